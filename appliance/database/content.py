"""What Prefect's database holds: the rows of each table, as of one moment; and what is not its."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg

# Alembic's note of the schema's revision: not content.
NOT_CONTENT = "alembic_version"


def row_counts_sqlite(path: Path) -> dict[str, int]:
    """Count the rows of each table of an SQLite file, which may be in use.

    Raises:
        sqlite3.Error: There is no such file, or it is damaged.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> ? ORDER BY name",
            (NOT_CONTENT,),
        ).fetchall()
        return {name: connection.execute(_count(name)).fetchone()[0] for (name,) in tables}


async def row_counts_postgres(connection: asyncpg.Connection) -> dict[str, int]:
    """Count the rows of each table of the connection's schema (`public`, if it names no other).

    Within a transaction of the caller's it is that one's moment that counts.
    """
    if connection.is_in_transaction():
        return await _row_counts(connection)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _row_counts(connection)


async def _row_counts(connection: asyncpg.Connection) -> dict[str, int]:
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() "
        "AND tablename <> $1 ORDER BY tablename",
        NOT_CONTENT,
    )
    return {name: await connection.fetchval(_count(name)) for (name,) in tables}


# A schema in which there is nothing but extensions is one that our tables may need.
OF_OTHERS = """
SELECT nspname FROM pg_namespace AS space
WHERE nspname <> current_schema() AND nspname <> 'information_schema' AND nspname !~ '^pg_'
AND (
    NOT EXISTS (SELECT FROM pg_extension WHERE extnamespace = space.oid)
    OR EXISTS (
        SELECT FROM pg_class AS thing WHERE relnamespace = space.oid AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = thing.oid AND deptype = 'e'
        )
    )
)
ORDER BY nspname
"""


async def schemas_of_others(connection: asyncpg.Connection) -> list[str]:
    """Return the schemas of the database that others made: neither Prefect's nor the system's."""
    return [name for (name,) in await connection.fetch(OF_OTHERS)]


def _count(table: str) -> str:
    quoted = table.replace('"', '""')
    return f'SELECT count(*) FROM "{quoted}"'  # noqa: S608 - an identifier, from the catalogue and quoted; no parameter can stand there
