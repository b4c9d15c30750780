"""A connection to the Postgres database that the settings name, embedded or the operator's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from appliance.database import cluster
from appliance.errors import WorldError
from appliance.layout import Runtime
from appliance.settings import DatabaseEngine, Settings

PATIENCE_SECONDS = 10.0


@asynccontextmanager
async def opened(settings: Settings, runtime: Runtime) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection; the embedded cluster must be served.

    Raises:
        WorldError: The database cannot be reached, or answers the work on it with an error.
    """
    try:
        if settings.engine is DatabaseEngine.EMBEDDED_POSTGRES:
            async with cluster.connect(runtime.postgres_socket_dir) as connection:
                yield connection
            return
        parts = urlsplit(settings.database.get_secret_value())
        # asyncpg knows no `postgres+driver`; how the operator wrote the scheme says nothing.
        dsn = urlunsplit(parts._replace(scheme="postgresql"))
        connection = await asyncpg.connect(dsn, timeout=PATIENCE_SECONDS)
        try:
            yield connection
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or type(error).__name__
        raise WorldError(f"the database cannot be used: {reason}", where="ZOE_DATABASE") from None
