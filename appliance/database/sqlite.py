"""SQLite that never answers "database is locked", through Prefect's own injection point."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration
from prefect.server.database.dependencies import MODELS_DEPENDENCIES
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from appliance.log import say

if TYPE_CHECKING:
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, AsyncSessionTransaction
    from sqlalchemy.pool import ConnectionPoolEntry

# Between two complaints about the same full disk.
QUIET_SECONDS = 30.0


class ImmediateSqliteConfiguration(AioSqliteConfiguration):
    """Prefect's SQLite configuration with every transaction IMMEDIATE and every commit durable.

    Prefect 3.8 opens most transactions DEFERRED. One that has read and then wants to write while
    another has written since cannot be upgraded: SQLite fails it at once, whatever the busy
    timeout, and the API answers 503. An IMMEDIATE transaction takes the write lock first and
    waits its turn. (SQLite documentation, "Isolation In SQLite"; Prefect issues 10188, 19771.)
    """

    @asynccontextmanager
    async def begin_transaction(
        self, session: AsyncSession, with_for_update: bool = False
    ) -> AsyncGenerator[AsyncSessionTransaction, None]:
        """Begin a transaction that holds the write lock from now on.

        Prefect's word for the mode counts for every connection that this task opens until the
        transaction ends. Some of its routes read through a second session meanwhile, as the one
        that pauses a work queue does; were that one IMMEDIATE, too, it would wait for ourselves,
        a minute, and fail. So the lock is taken at once, and the word taken back.
        """
        del with_for_update
        async with super().begin_transaction(session, with_for_update=True) as transaction:
            await session.connection()
            SQLITE_BEGIN_MODE.set(None)
            yield transaction

    async def engine(self) -> AsyncEngine:
        """Return Prefect's engine, whose full disk is no final answer (`FullDisk`)."""
        engine = await super().engine()
        # Prefect keeps one engine for each event loop and returns it again.
        if not event.contains(engine.sync_engine, "handle_error", _full_disk):
            event.listen(engine.sync_engine, "handle_error", _full_disk)
        return engine

    def setup_sqlite(self, conn: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """Set Prefect's pragmas, and `synchronous = FULL` instead of its NORMAL.

        In WAL mode NORMAL may lose the last commits when the power fails: an API answer that was
        given would be forgotten. (SQLite documentation, `PRAGMA synchronous`.)
        """
        super().setup_sqlite(conn, record)
        cursor = conn.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()


class FullDisk:
    """Raises a full disk as what Prefect answers with 503 (SQLAlchemy's event `handle_error`).

    Of SQLite's `OperationalError`s Prefect lets clients retry only those about locks and answers
    the rest with 500, which ends a flow run that reports its state. A disk may be given space
    again. (`is_client_retryable_exception` in prefect.server.api.server.)
    """

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, context: ExceptionContext) -> None:
        """Look at an error.

        Raises:
            DBAPIError: The disk is full.
        """
        error = context.original_exception
        if getattr(error, "sqlite_errorname", None) != "SQLITE_FULL":
            return
        # Of answers that may be retried Prefect writes nothing into the log.
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            say("the database's disk is full; requests wait until there is space", "ERROR")
        raise DBAPIError(context.statement, context.parameters, error) from error


_full_disk = FullDisk()


def inject(connection_url: str) -> None:
    """Make the Prefect server of this process use it, before it opens its database."""
    MODELS_DEPENDENCIES["database_config"] = ImmediateSqliteConfiguration(connection_url)
