"""The program `server`: Prefect's API, UI and services under uvicorn."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import TYPE_CHECKING

from appliance import credentials, time_zones
from appliance.database import templates
from appliance.errors import ZoeError
from appliance.files import make_private_dir
from appliance.importing import uncollected
from appliance.layout import Layout, Runtime, templates_dir
from appliance.prefect_environment import database_url, server_environment, spared_at_start
from appliance.server import opening, ui
from appliance.settings import DatabaseEngine, Settings, load

if TYPE_CHECKING:
    from collections.abc import Mapping

# For requests that are being answered; websockets end at once (`appliance.server.closing`).
CLOSE_CONNECTIONS_SECONDS = 1
# Python's are 2000, 10, 10. What requests make lives as long as they do; looking for garbage among
# it took 3 to 7 % of the server's CPU time.
COLLECTION_THRESHOLDS = (50_000, 20, 100)


def main() -> int:
    """Serve until SIGTERM; return the exit code."""
    try:
        settings = load().settings
        layout, runtime = Layout(settings.data_dir), Runtime.from_environment()
        found = opening.check(settings, layout, runtime)
        environment = server_environment(
            settings,
            credentials.read(settings, layout),
            layout,
            str(runtime.postgres_socket_dir),
        )
        from_template = prepare(settings, layout)
        is_current = opening.migrate(settings, layout, runtime, found, environment)
        static = ui.prepare(settings, layout, templates_dir())
        environment["PREFECT_SERVER_UI_STATIC_DIRECTORY"] = str(static)
        environment |= spared_at_start(from_template=from_template, is_current=is_current)
        opening.claim(settings)
    except ZoeError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    address = database_url(settings, layout, str(runtime.postgres_socket_dir))
    return serve(settings, address, environment)


def prepare(settings: Settings, layout: Layout) -> bool:
    """Make the directories that Prefect writes to and, on a first start, the SQLite database.

    Returns:
        Whether there is a new database now with all in it that Prefect would put there.
    """
    for directory in (layout.prefect_home, layout.results):
        make_private_dir(directory)
    return (
        settings.engine is DatabaseEngine.SQLITE
        and templates.install_sqlite(templates_dir(), layout.sqlite_file)
        and templates.fit(templates_dir())
    )


def serve(settings: Settings, connection_url: str, environment: Mapping[str, str]) -> int:
    """Start Prefect's application in this process and serve it."""
    os.environ.update(environment)

    time_zones.remember()
    with uncollected():
        # Imported here because Prefect reads its settings from the environment at import.
        import uvicorn  # noqa: PLC0415
        from prefect.server.api.server import create_app  # noqa: PLC0415

        from appliance.server.closing import ClosingServer, EndWebsockets  # noqa: PLC0415
        from appliance.server.content_security import ContentSecurity  # noqa: PLC0415
        from appliance.server.public_address import ASGIApp, PublicAddress  # noqa: PLC0415
        from appliance.server.websocket_guard import WebsocketGuard  # noqa: PLC0415

        if settings.engine is DatabaseEngine.SQLITE:
            from appliance.database import sqlite, sqlite_queries  # noqa: PLC0415

            sqlite.inject(connection_url)
            sqlite_queries.inject()
        else:
            from appliance.database import away  # noqa: PLC0415

            away.inject(connection_url)

        prefect = create_app(final=True)

    guarded = WebsocketGuard(prefect) if settings.auth else prefect
    closing = asyncio.Event()
    app: ASGIApp = PublicAddress(
        ContentSecurity(guarded, settings.public_url), settings.base_path, settings.public_url
    )
    config = uvicorn.Config(
        EndWebsockets(app, closing),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_cert_file,
        ssl_keyfile=settings.tls_key_file,
        log_level="warning",
        access_log=False,
        # Small messages, mostly within this machine: to compress them costs more than to send them.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=CLOSE_CONNECTIONS_SECONDS,
        timeout_keep_alive=10,
    )
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    server = ClosingServer(config, closing)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
