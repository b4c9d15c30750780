"""Zoe's settings in Prefect's words."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from prefect.settings import Settings as PrefectSettings
from pydantic import SecretStr

from appliance.credentials import Credentials
from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.prefect_environment import (
    CHOSEN_FOR_CLIENTS,
    CHOSEN_FOR_SERVER,
    NO_AUTHORITY,
    OWNED,
    api_url,
    browser_url,
    check_no_owned_name,
    client_environment,
    database_url,
    local_host,
    server_environment,
    spared_at_start,
)
from tests.unit.support import NO_CREDENTIALS, make_settings

pytestmark = pytest.mark.usefixtures("no_prefect_variables")

LAYOUT = Layout(Path("/data"))
GIVEN = Credentials(SecretStr("admin:p"), SecretStr("key"))
TLS = {"tls_cert_file": "/c", "tls_key_file": "/k"}


def server(**values: Any) -> dict[str, str]:
    return server_environment(make_settings(**values), GIVEN, LAYOUT, "/run/pg")


def client(**values: Any) -> dict[str, str]:
    return client_environment(make_settings(**values), GIVEN, LAYOUT)


def test_owned_names_are_refused_all_at_once() -> None:
    check_no_owned_name({"PREFECT_LOGGING_LEVEL": "DEBUG", "PATH": "/bin"})
    with pytest.raises(OperatorError) as caught:
        check_no_owned_name({"PREFECT_API_URL": "x-hidden", "PREFECT_HOME": "y-hidden"})
    api, home = caught.value.line().splitlines()
    assert api == (
        "PREFECT_API_URL follows from ZOE_API_URL (environment); "
        "unset PREFECT_API_URL and set ZOE_API_URL"
    )
    assert home.startswith("PREFECT_HOME follows from ZOE_DATA_DIR")
    assert "hidden" not in caught.value.line()


@pytest.mark.parametrize("name", [*CHOSEN_FOR_SERVER, "PREFECT_LOCAL_STORAGE_PATH"])
def test_operator_wins_over_our_choice_for_the_server(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert name not in OWNED
    assert server()[name] != "theirs"
    monkeypatch.setenv(name, "theirs")
    assert server()[name] == "theirs"


@pytest.mark.parametrize("name", [*CHOSEN_FOR_CLIENTS, "PREFECT_LOCAL_STORAGE_PATH"])
def test_operator_wins_over_our_choice_for_clients(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert client()[name] != "theirs"
    monkeypatch.setenv(name, "theirs")
    assert client()[name] == "theirs"


def test_other_prefect_variables_pass_through_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setenv("SOMETHING_ELSE", "x")
    for environment in (server(), client()):
        assert environment["PREFECT_LOGGING_LEVEL"] == "DEBUG"
        assert "SOMETHING_ELSE" not in environment


def test_nothing_we_set_is_silently_the_operator_s_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What we write over an operator's value without a word must be refused beforehand.
    names = {*server(**TLS), *client(**TLS)}
    for name in names:
        monkeypatch.setenv(name, "theirs")
    overwritten = {
        name
        for environment in (server(**TLS), client(**TLS))
        for name, value in environment.items()
        if value != "theirs"
    }
    assert overwritten <= set(OWNED)


def test_server_without_auth() -> None:
    environment = server_environment(make_settings(auth=False), NO_CREDENTIALS, LAYOUT, "")
    assert not [name for name in environment if "AUTH_STRING" in name]


def test_secrets_of_the_server_are_no_client_s_business() -> None:
    assert server()["PREFECT_SERVER_ENCRYPTION_KEY"] == "key"
    environment = client(database="postgresql://u:hidden@db/prefect")
    assert "PREFECT_SERVER_ENCRYPTION_KEY" not in environment
    assert not [name for name, value in environment.items() if "hidden" in value]
    assert environment["PREFECT_API_AUTH_STRING"] == "admin:p"


@pytest.mark.parametrize(
    ("values", "base", "serve"),
    [({}, "/api", "/"), ({"public_url": "https://h/p/"}, "/p/api", "/p")],
)
def test_server_below_a_path(values: dict[str, str], base: str, serve: str) -> None:
    environment = server(**values)
    assert environment["PREFECT_SERVER_API_BASE_PATH"] == base
    assert environment["PREFECT_SERVER_UI_SERVE_BASE"] == serve
    assert environment["PREFECT_API_URL"] == f"http://127.0.0.1:4200{base}"


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://127.0.0.1:4200/api"),
        ({"port": 8080, "host": "10.0.0.5"}, "http://10.0.0.5:8080/api"),
        ({"host": "::"}, "http://[::1]:4200/api"),
        ({"host": "fd00::5"}, "http://[fd00::5]:4200/api"),
        (TLS, "https://127.0.0.1:4200/api"),
        ({"public_url": "https://example.org/p"}, "http://127.0.0.1:4200/p/api"),
        ({"components": "worker", "api_url": "https://z:1/p/api/"}, "https://z:1/p/api"),
    ],
)
def test_api_url(values: dict[str, Any], url: str) -> None:
    assert api_url(make_settings(**values)) == url


@pytest.mark.parametrize(
    ("host", "local"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.5", "10.0.0.5")],  # noqa: S104
)
def test_local_host(host: str, local: str) -> None:
    assert local_host(make_settings(host=host)) == local


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://localhost:4200"),
        (TLS, "https://localhost:4200"),
        ({"public_url": "https://example.org/p"}, "https://example.org/p"),
        ({"components": "worker", "api_url": "https://z/p/api"}, "https://z/p"),
    ],
)
def test_browser_url(values: dict[str, Any], url: str) -> None:
    assert browser_url(make_settings(**values)) == url


@pytest.mark.parametrize(
    ("database", "url"),
    [
        ("sqlite", "sqlite+aiosqlite:////data/database/prefect.db"),
        ("postgres", "postgresql+asyncpg://prefect@/prefect?host=%2Frun%2Fa%20b"),
        ("postgresql://u:p%40x@db:5433/d", "postgresql+asyncpg://u:p%40x@db:5433/d"),
        ("postgres://db/d", "postgresql+asyncpg://db/d"),
        ("postgresql://db/d?sslmode=require", "postgresql+asyncpg://db/d?ssl=require"),
    ],
)
def test_database_url(database: str, url: str) -> None:
    assert database_url(make_settings(database=database), LAYOUT, "/run/a b") == url


@pytest.mark.parametrize(
    ("values", "skipped", "ca"),
    [
        # There are none to be checked.
        ({}, False, str(NO_AUTHORITY)),
        ({"components": "worker", "api_url": "http://z/api"}, False, str(NO_AUTHORITY)),
        # Our own server's certificate is for another name than 127.0.0.1.
        (TLS, True, None),
        ({"components": "worker", "api_url": "https://z/api"}, False, None),
        (
            {"components": "worker", "api_url": "https://z/api", "tls_ca_file": "/ca"},
            False,
            "/ca",
        ),
    ],
)
def test_certificates_are_checked_except_our_own(
    values: dict[str, Any], skipped: bool, ca: str | None
) -> None:
    environment = client(**values)
    assert (environment.get("PREFECT_API_TLS_INSECURE_SKIP_VERIFY") == "true") is skipped
    assert environment.get("PREFECT_API_SSL_CERT_FILE") == ca


def test_the_file_for_plain_http_can_be_read_and_vouches_for_nobody() -> None:
    assert ssl.create_default_context(cafile=str(NO_AUTHORITY)).verify_mode is ssl.CERT_REQUIRED
    (certificate,) = x509.load_pem_x509_certificates(NO_AUTHORITY.read_bytes())
    assert certificate.not_valid_after_utc < datetime(2000, 1, 1, tzinfo=UTC)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_links_in_the_log_lead_to_the_public_address() -> None:
    assert client(public_url="https://h/p")["PREFECT_UI_URL"] == "https://h/p"
    assert "PREFECT_UI_URL" not in client()


def test_retention_in_prefect_s_words() -> None:
    environment = server(retention_runs=30, retention_events=3)
    assert environment["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "events,flow_runs,orphans"
    assert environment["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] == str(30 * 86_400)
    # A plain number is refused by Prefect.
    assert environment["PREFECT_SERVER_EVENTS_RETENTION_PERIOD"] == "P3D"


def test_runs_may_be_kept_for_ever() -> None:
    environment = server(retention_runs=0)
    assert environment["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "events,orphans"


@pytest.mark.parametrize(
    ("values", "set_by_operator", "asked"),
    [
        ({}, None, False),
        ({}, "PREFECT_SERVER_CSRF_PROTECTION_ENABLED", True),
        ({}, "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED", True),
        ({"components": ("worker",), "api_url": "https://elsewhere/api"}, None, True),
    ],
)
def test_a_token_is_asked_for_only_where_there_may_be_one(
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, Any],
    set_by_operator: str | None,
    *,
    asked: bool,
) -> None:
    if set_by_operator:
        monkeypatch.setenv(set_by_operator, "true")
    with monkeypatch.context() as patch:
        for name, value in client(**values).items():
            patch.setenv(name, value)
        assert PrefectSettings().client.csrf_support_enabled is asked


def test_flow_runs_send_heartbeats_only_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert heartbeat_of(client(warm_start=False)) is not None
    assert heartbeat_of(client()) is None
    monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "45")
    assert heartbeat_of(client(warm_start=True)) == 45


def heartbeat_of(environment: dict[str, str]) -> int | None:
    """Return what Prefect makes of an environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return PrefectSettings().flows.heartbeat_frequency


@pytest.mark.parametrize(
    ("from_template", "is_current", "spared"),
    [
        (False, False, set()),
        (False, True, {"PREFECT_SERVER_DATABASE_MIGRATE_ON_START"}),
        (
            True,
            False,
            {
                "PREFECT_SERVER_DATABASE_MIGRATE_ON_START",
                "PREFECT_SERVER_REGISTER_BLOCKS_ON_START",
            },
        ),
    ],
)
def test_a_start_does_not_do_what_is_done(
    from_template: bool, is_current: bool, spared: set[str]
) -> None:
    environment = spared_at_start(from_template=from_template, is_current=is_current)
    assert environment == dict.fromkeys(spared, "false")
