"""SQLite that never answers "database is locked", through Prefect's own injection point."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import MODELS_DEPENDENCIES

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction
    from sqlalchemy.pool import ConnectionPoolEntry


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
        """Begin a transaction that holds the write lock from its first statement on."""
        del with_for_update
        async with super().begin_transaction(session, with_for_update=True) as transaction:
            yield transaction

    def setup_sqlite(self, conn: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """Set Prefect's pragmas, and `synchronous = FULL` instead of its NORMAL.

        In WAL mode NORMAL may lose the last commits when the power fails: an API answer that was
        given would be forgotten. (SQLite documentation, `PRAGMA synchronous`.)
        """
        super().setup_sqlite(conn, record)
        cursor = conn.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()


def inject(connection_url: str) -> None:
    """Make the Prefect server of this process use it, before it opens its database."""
    MODELS_DEPENDENCIES["database_config"] = ImmediateSqliteConfiguration(connection_url)
