"""Zoe's settings in Prefect's words: the environment of the processes that run Prefect.

Three kinds of names, and for each of them one answer to "may I set it?":

- *owned*: follows from a Zoe setting; setting it by hand is refused, with the setting's name;
- *chosen*: our default for an appliance; `PREFECT_*` of the operator wins;
- everything else passes through untouched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from appliance.credentials import Credentials
from appliance.errors import OperatorError, SeveralMistakesError
from appliance.layout import Layout
from appliance.settings.model import Component, DatabaseEngine, Settings

OWNED = {
    "PREFECT_API_AUTH_STRING": "ZOE_ADMIN_USER and ZOE_ADMIN_PASSWORD",
    "PREFECT_API_DATABASE_CONNECTION_URL": "ZOE_DATABASE",
    "PREFECT_API_SSL_CERT_FILE": "ZOE_TLS_CA_FILE",
    "PREFECT_API_URL": "ZOE_API_URL",
    "PREFECT_EVENTS_RETENTION_PERIOD": "ZOE_RETENTION_EVENTS",
    "PREFECT_HOME": "ZOE_DATA_DIR",
    "PREFECT_SERVER_API_AUTH_STRING": "ZOE_ADMIN_USER and ZOE_ADMIN_PASSWORD",
    "PREFECT_SERVER_API_BASE_PATH": "ZOE_PUBLIC_URL",
    "PREFECT_SERVER_API_HOST": "ZOE_HOST",
    "PREFECT_SERVER_API_PORT": "ZOE_PORT",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": "ZOE_DATABASE",
    "PREFECT_SERVER_ENCRYPTION_KEY": "ZOE_ENCRYPTION_KEY",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "ZOE_RETENTION_EVENTS",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "ZOE_RETENTION_RUNS",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "ZOE_RETENTION_RUNS",
    "PREFECT_SERVER_UI_API_URL": "ZOE_PUBLIC_URL",
    "PREFECT_SERVER_UI_SERVE_BASE": "ZOE_PUBLIC_URL",
    "PREFECT_SERVER_UI_STATIC_DIRECTORY": "ZOE_DATA_DIR",
    "PREFECT_UI_API_URL": "ZOE_PUBLIC_URL",
    "PREFECT_UI_SERVE_BASE": "ZOE_PUBLIC_URL",
    "PREFECT_UI_STATIC_DIRECTORY": "ZOE_DATA_DIR",
    "PREFECT_UI_URL": "ZOE_PUBLIC_URL",
}

# Chosen as well: results may be wanted on a disk that several machines share.
RESULTS = "PREFECT_LOCAL_STORAGE_PATH"

DAY_SECONDS = 86_400

QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

CHOSEN_FOR_SERVER = {
    **QUIET,
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_METRICS_ENABLED": "true",
    # Leases of limits survive a restart, and an absence, of the one server without Redis.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "appliance.server.leases",
    # A restart with the same Prefect and the same blocks skips registering them again.
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "true",
}

CHOSEN_FOR_CLIENTS = {
    **QUIET,
    # Two seconds keep an idle server at rest and a due run from waiting Prefect's ten.
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    # The supervisor's stream is read in `docker logs`, where colour codes are noise.
    "PREFECT_LOGGING_COLORS": "false",
    # A client waits 2, 4, 8… s between its tries: nine outlive a server that is away for a
    # quarter of an hour. Prefect's five end after a minute, and the flow run with them.
    "PREFECT_CLIENT_MAX_RETRIES": "9",
}

CHOSEN_FOR_WARM_RUNS = {
    # A flow run's end waits for the thread of its heartbeats, up to a second. Zoe's worker and its
    # server see by other means whether a run is alive. Prefect takes no "none" under its own name.
    "PREFECT_FLOWS": '{"heartbeat_frequency": null}',
}
# One certificate that was never valid. Each of Prefect's clients reads a file of authorities when
# it is made, also for http://, and the usual one has 140: half of a flow run's CPU time. (3.8.8)
NO_AUTHORITY = Path(__file__).with_name("no_authority.pem")

# For flow runs alone. Their worker has asked the server for its version, and has the same Prefect;
# each run would ask again, twice. What an operator has set comes after it: Prefect's worker adds
# its own settings to the environment of its runs.
CHOSEN_FOR_RUNS = {"PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false"}

# Names under which an operator may have the server protect its API from foreign web pages.
CSRF_PROTECTION = frozenset(
    {"PREFECT_SERVER_CSRF_PROTECTION_ENABLED", "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"}
)

# Names under which an operator may ask for heartbeats; PREFECT_FLOWS would overrule them.
HEARTBEATS = frozenset({"PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "PREFECT_RUNNER_HEARTBEAT_FREQUENCY"})


def check_no_owned_name(environ: Mapping[str, str]) -> None:
    """Refuse a Prefect variable that would contradict the Zoe setting it follows from.

    Raises:
        OperatorError: At least one is set; all of them are in it.
    """
    mistakes: list[OperatorError] = [
        OperatorError(
            f"{name} follows from {setting}",
            where="environment",
            remedy=f"unset {name} and set {setting}",
        )
        for name, setting in OWNED.items()
        if name in environ
    ]
    if mistakes:
        raise SeveralMistakesError(mistakes)


def server_environment(
    settings: Settings, credentials: Credentials, layout: Layout, postgres_socket_dir: str
) -> dict[str, str]:
    """Return what the Prefect server needs, the owned names and our choices."""
    environment = {
        **CHOSEN_FOR_SERVER,
        RESULTS: str(layout.results),
        **_operators_choice(),
        "PREFECT_HOME": str(layout.prefect_home),
        "PREFECT_API_DATABASE_CONNECTION_URL": database_url(settings, layout, postgres_socket_dir),
        "PREFECT_SERVER_API_BASE_PATH": f"{settings.base_path}/api",
        "PREFECT_SERVER_UI_SERVE_BASE": settings.base_path or "/",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(layout.ui),
        "PREFECT_API_URL": api_url(settings),
        **retention(settings),
    }
    if credentials.encryption_key:
        environment["PREFECT_SERVER_ENCRYPTION_KEY"] = credentials.encryption_key.get_secret_value()
    if credentials.auth_string:
        auth_string = credentials.auth_string.get_secret_value()
        environment["PREFECT_SERVER_API_AUTH_STRING"] = auth_string
        environment["PREFECT_API_AUTH_STRING"] = auth_string
    return environment


def spared_at_start(*, from_template: bool, is_current: bool) -> dict[str, str]:
    """Return what keeps Prefect's start from doing what is done: 0.4 and 0.5 s on two cores.

    Args:
        from_template: The database was copied just now from a template that fits.
        is_current: Its schema is that of the installed Prefect.
    """
    environment = {}
    if from_template or is_current:
        environment["PREFECT_SERVER_DATABASE_MIGRATE_ON_START"] = "false"
    if from_template:
        environment["PREFECT_SERVER_REGISTER_BLOCKS_ON_START"] = "false"
    return environment


def retention(settings: Settings) -> dict[str, str]:
    """Return what Prefect's vacuum removes, and after how long.

    Logs and artifacts go with their runs; `orphans` finds those that were left behind. Prefect
    3.8.8 takes seconds for runs and nothing but a duration of ISO 8601 for events.
    """
    environment = {
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{settings.retention_events}D",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    }
    if settings.retention_runs:
        environment |= {
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs,orphans",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(
                settings.retention_runs * DAY_SECONDS
            ),
        }
    return environment


def chosen_for_clients(settings: Settings) -> dict[str, str]:
    """Return our choices for clients that leave room for the operator's."""
    if settings.warm_start and not HEARTBEATS & os.environ.keys():
        return {**CHOSEN_FOR_CLIENTS, **CHOSEN_FOR_WARM_RUNS}
    return CHOSEN_FOR_CLIENTS


def client_environment(
    settings: Settings, credentials: Credentials, layout: Layout
) -> dict[str, str]:
    """Return what a worker and the flow runs below it need to reach the server."""
    environment = {
        **chosen_for_clients(settings),
        RESULTS: str(layout.results),
        **_no_question_for_a_token(settings),
        **_operators_choice(),
        "PREFECT_HOME": str(layout.prefect_home),
        "PREFECT_API_URL": api_url(settings),
    }
    if settings.public_url:
        environment["PREFECT_UI_URL"] = settings.public_url
    if credentials.auth_string:
        environment["PREFECT_API_AUTH_STRING"] = credentials.auth_string.get_secret_value()
    if settings.tls_ca_file:
        environment["PREFECT_API_SSL_CERT_FILE"] = str(settings.tls_ca_file)
    elif settings.tls and Component.SERVER in settings.runs_here:
        # The certificate is for the public name; these clients call 127.0.0.1 and stay on it.
        environment.setdefault("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "true")
    elif urlsplit(api_url(settings)).scheme == "http":
        environment["PREFECT_API_SSL_CERT_FILE"] = str(NO_AUTHORITY)
    return environment


def _no_question_for_a_token(settings: Settings) -> dict[str, str]:
    """Keep each client from asking the server here for a token that it never gives.

    Every flow run has two clients, and each asks before its first change. (Prefect 3.8.8)
    """
    if Component.SERVER not in settings.runs_here or CSRF_PROTECTION & os.environ.keys():
        return {}
    return {"PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false"}


def api_url(settings: Settings) -> str:
    """Return the API's address as seen from this machine."""
    if settings.api_url:
        return settings.api_url
    scheme = "https" if settings.tls else "http"
    host = local_host(settings)
    address = f"[{host}]" if ":" in host else host
    return f"{scheme}://{address}:{settings.port}{settings.base_path}/api"


def local_host(settings: Settings) -> str:
    """Return the address at which the server here is reached from this machine.

    asyncio listens on `::` for IPv6 alone, so that 127.0.0.1 would find nobody there.
    """
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104


def browser_url(settings: Settings) -> str:
    """Return the address to open in a browser, as far as it can be known from here."""
    if settings.public_url:
        return settings.public_url
    if settings.api_url:
        return settings.api_url.removesuffix("/api")
    return f"{'https' if settings.tls else 'http'}://localhost:{settings.port}"


def database_url(settings: Settings, layout: Layout, postgres_socket_dir: str) -> str:
    """Return the database's address in SQLAlchemy's form, with the driver that Prefect uses."""
    if settings.engine is DatabaseEngine.SQLITE:
        return f"sqlite+aiosqlite:///{layout.sqlite_file}"
    if settings.engine is DatabaseEngine.EMBEDDED_POSTGRES:
        return f"postgresql+asyncpg://prefect@/prefect?host={quote(postgres_socket_dir, safe='')}"
    parts = urlsplit(settings.database.get_secret_value())
    # asyncpg as SQLAlchemy calls it knows libpq's `sslmode` by the name `ssl`.
    query = [("ssl" if key == "sslmode" else key, value) for key, value in parse_qsl(parts.query)]
    return urlunsplit(
        ("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), parts.fragment)
    )


def _operators_choice() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PREFECT_") or name == "DO_NOT_TRACK"
    }
