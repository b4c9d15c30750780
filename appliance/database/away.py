"""A Postgres that is away for a moment costs no flow run, through Prefect's own injection point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
from prefect.server.database.configurations import AsyncPostgresConfiguration
from prefect.server.database.dependencies import MODELS_DEPENDENCIES
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.pool import ConnectionPoolEntry


class PatientPostgresConfiguration(AsyncPostgresConfiguration):
    """Prefect's Postgres configuration, which tells an absent database from a broken server.

    While Postgres restarts nobody listens, and the connection is refused by an `OSError`. Prefect
    3.8 answers that with 500, which its clients take for final: a flow run that reports its state
    in these seconds crashes. "Cannot connect now" is answered with 503, which they retry.
    (`is_client_retryable_exception` in prefect.server.api.server.)
    """

    async def engine(self) -> AsyncEngine:
        """Return Prefect's engine, its connections made by `connect`."""
        engine = await super().engine()
        # Prefect keeps one engine for each event loop and returns it again.
        if not event.contains(engine.sync_engine, "do_connect", connect):
            event.listen(engine.sync_engine, "do_connect", connect)
        return engine


def connect(
    dialect: Dialect, record: ConnectionPoolEntry, words: list[Any], options: dict[str, Any]
) -> DBAPIConnection:
    """Connect as SQLAlchemy would (its event `do_connect`).

    Raises:
        CannotConnectNowError: Nobody answers.
    """
    del record
    try:
        return dialect.connect(*words, **options)
    except OSError as error:
        raise asyncpg.CannotConnectNowError(f"the database is away: {error}") from error


def inject(connection_url: str) -> None:
    """Make the Prefect server of this process use it, before it opens its database."""
    MODELS_DEPENDENCIES["database_config"] = PatientPostgresConfiguration(connection_url)
