"""A Prefect server on restored data, for as long as it takes to see that it answers.

It listens on the loopback interface alone and runs none of Prefect's services: nothing is
scheduled, no automation fires, no other machine is spoken to.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance import credentials, tied
from appliance.api import Api
from appliance.database import cluster
from appliance.errors import WorldError
from appliance.files import make_private_dir
from appliance.layout import Layout, Runtime
from appliance.settings import Component, DatabaseEngine, Settings
from appliance.settings.sources import variable
from appliance.supervisor.programs import PYTHON

LOOPBACK = "127.0.0.1"
READY_SECONDS = 300.0
POLL_SECONDS = 0.2
# Read by Prefect where its application is made: API and UI without the background services.
# (Prefect 3.8.8, `prefect.server.api.server.create_app`; `prefect server start --no-services`
# sets it.)
NO_SERVICES = {"PREFECT__SERVER_WEBSERVER_ONLY": "1"}


@contextmanager
def serving(fresh: Layout, postgres_bin_dir: Path | None) -> Iterator[Api]:
    """Yield the API of a server on a data directory that nobody else uses; stop it afterwards.

    Args:
        fresh: The data directory. A server may change it, as it does at every start.
        postgres_bin_dir: Where PostgreSQL's programs are, if the data is a cluster; None for
            SQLite.

    Raises:
        WorldError: The server does not start; its last words are in it.
    """
    with ExitStack() as stack:
        # Not in the data directory, whose path may be too long for a socket (unix(7)).
        runtime = Runtime(stack.enter_context(cluster.short_socket_dir()))
        if postgres_bin_dir:
            make_private_dir(runtime.postgres_socket_dir)
            stack.enter_context(
                cluster.serving(postgres_bin_dir, fresh.postgres_data, runtime.postgres_socket_dir)
            )
        settings = _settings(fresh, DatabaseEngine.SQLITE, None)
        if postgres_bin_dir:
            settings = _settings(fresh, DatabaseEngine.EMBEDDED_POSTGRES, postgres_bin_dir)
        api = Api(settings, credentials.read(settings, fresh))
        stack.callback(api.close)
        log = fresh.data / "server.log"
        server = stack.enter_context(_server(settings, runtime, log))
        _wait(api, server, log)
        yield api


def _settings(fresh: Layout, engine: DatabaseEngine, bin_dir: Path | None) -> Settings:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return Settings.model_validate(
        {
            "components": f"{Component.DATABASE},{Component.SERVER}",
            "data_dir": fresh.data,
            "database": engine,
            "postgres_bin_dir": bin_dir,
            "host": LOOPBACK,
            "port": port,
            # Who made the archive may have gone without.
            "auth": fresh.admin_password.exists(),
        }
    )


@contextmanager
def _server(settings: Settings, runtime: Runtime, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        server = tied.popen(
            [*PYTHON, "appliance.server"],
            env=_environment(settings, runtime),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield server
        finally:
            # Nothing that it may still be writing is wanted.
            server.kill()
            server.wait()


def _environment(settings: Settings, runtime: Runtime) -> Mapping[str, str]:
    """Return ours without the settings of the appliance that is tried, its Prefect's included."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ZOE_", "PREFECT_"))
    }
    no_configuration = runtime.root / "zoe.toml"
    no_configuration.touch()
    given = {
        variable(name): str(getattr(settings, name))
        for name in ("data_dir", "host", "port", "auth", "postgres_bin_dir")
        if getattr(settings, name) is not None
    }
    return {
        **inherited,
        **NO_SERVICES,
        **given,
        variable("components"): ",".join(settings.components),
        variable("database"): settings.database.get_secret_value(),
        "ZOE_CONFIG": str(no_configuration),
        "ZOE_RUNTIME_DIR": str(runtime.root),
    }


def _wait(api: Api, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            api.get("/ready")
        except WorldError as error:
            reason = error.line()
        else:
            return
        if server.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise WorldError(
                f"Prefect does not start on the restored data: {said[-1] if said else reason}"
            )
        time.sleep(POLL_SECONDS)
