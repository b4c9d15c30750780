"""Promotion to a Postgres server of the operator's own, in a database that holds no Prefect yet.

Prefect's migrations commit as they go, the copy is one transaction. A table of ours,
`zoe_promotion`, marks the database until all is done: it keeps what was there before, so that a
failure takes away exactly what we made, and a promotion that was killed is gone on with instead of
being refused. To go on means to replace every row, so the mark counts only while nobody has used
the database: it remembers how many rows were copied, and a server that starts there takes it away.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from appliance.database.content import NOT_CONTENT, row_counts_postgres
from appliance.database.promotion import copying, use
from appliance.database.promotion.copying import Say
from appliance.database.promotion.source import Source, quoted
from appliance.database.refusal import in_words
from appliance.errors import OperatorError

MARKER = "zoe_promotion"
PATIENCE_SECONDS = 10.0
OBJECTS = {
    "TABLE": """
        SELECT relname FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
    """,
    "TYPE": """
        SELECT typname FROM pg_type
        WHERE typtype = 'e' AND typnamespace = current_schema()::regnamespace
    """,
    "EXTENSION": "SELECT extname FROM pg_extension",
}

Objects = dict[str, list[str]]


def place(url: str) -> str:
    """Return where a database is, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


async def holds_prefect(url: str) -> bool:
    """Tell whether the database holds Prefect's tables, and not by an unfinished promotion.

    Raises:
        OperatorError: Its user may not read them.
        WorldError: It cannot be reached.
    """
    async with _opened(url) as connection:
        if not await _has(connection, "flow_run"):
            return False
        return not await _has(connection, MARKER) or await _was_used(connection)


async def mark(url: str, tables: Collection[str]) -> bool:
    """Claim the database; return whether that had been done by an earlier promotion.

    Args:
        url: The database.
        tables: Which names must not be taken.

    Raises:
        OperatorError: The database is in use, or its user may not make tables there.
        WorldError: It cannot be reached, or refuses something.
    """
    async with _opened(url) as connection:
        before = await _objects(connection)
        if MARKER in before["TABLE"]:
            if await _was_used(connection):
                raise OperatorError(
                    f"the database at {place(url)} was left by a promotion that was interrupted, "
                    "and has been used since",
                    where="--to",
                    remedy="name an empty database; to use the data that it has, set ZOE_DATABASE",
                )
            return True
        taken = sorted({NOT_CONTENT, *tables}.intersection(before["TABLE"]))
        if taken:
            raise OperatorError(
                f"the database at {place(url)} is not empty: it has {', '.join(taken[:3])}"
                f"{' and others' if taken[3:] else ''}",
                where="--to",
                remedy="name an empty database; to use the data that it has, set ZOE_DATABASE",
            )
        async with connection.transaction():
            await connection.execute(f"CREATE TABLE {MARKER} (before text NOT NULL, copied text)")
            await connection.execute(
                f"INSERT INTO {MARKER} (before) VALUES ($1)",  # noqa: S608 - a name of our own
                json.dumps(before),
            )
        return False


async def fill(url: str, source: Source, say: Say) -> dict[str, int]:
    """Copy everything into the migrated database; return the number of rows by table.

    Raises:
        OperatorError: The database's user lacks a right; the tables are as they were.
        WorldError: It failed; likewise.
    """
    async with _opened(url) as connection, connection.transaction():
        rows = await copying.fill(connection, source, say, apart_from=[MARKER])
        await connection.execute(f"UPDATE {MARKER} SET copied = $1", json.dumps(rows))  # noqa: S608 - a name of our own
        return rows


async def unmark(url: str) -> None:
    """Take the mark off, if there is one: the database is Prefect's now.

    Raises:
        OperatorError: It belongs to another user.
        WorldError: The database cannot be reached.
    """
    async with _opened(url) as connection:
        await connection.execute(f"DROP TABLE IF EXISTS {MARKER}")


async def undo(url: str) -> None:
    """Take away what came into the database since it was marked, and the mark.

    Raises:
        OperatorError: Its user lacks a right.
        WorldError: It cannot be reached.
    """
    async with _opened(url) as connection:
        before = json.loads(await connection.fetchval(f"SELECT before FROM {MARKER}"))  # noqa: S608 - a name of our own
        made = difference(await _objects(connection), before)
        async with connection.transaction():
            for kind, names in made.items():
                if names:
                    listed = ", ".join(quoted(name) for name in names)
                    await connection.execute(f"DROP {kind} {listed} CASCADE")


def difference(now: Objects, before: Mapping[str, Collection[str]]) -> Objects:
    """Return what is there now and was not before, by kind."""
    return {
        kind: [name for name in names if name not in before.get(kind, ())]
        for kind, names in now.items()
    }


async def _objects(connection: asyncpg.Connection) -> Objects:
    return {
        kind: [name for (name,) in await connection.fetch(query)] for kind, query in OBJECTS.items()
    }


async def _was_used(connection: asyncpg.Connection) -> bool:
    """Tell whether a marked database holds anything else than what promotion put there.

    Before the copy that is next to nothing, after it what the source had.
    """
    copied = await connection.fetchval(f"SELECT copied FROM {MARKER}")  # noqa: S608 - a name of our own
    if copied is None:
        return await use.of_postgres(connection)
    there = await row_counts_postgres(connection)
    return any(there.get(table) != rows for table, rows in json.loads(copied).items())


async def _has(connection: asyncpg.Connection, table: str) -> bool:
    there: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
    return there


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect to a `postgresql://` URL as an operator writes it.

    Raises:
        OperatorError: Its user lacks a right.
        WorldError: It cannot be reached, or refuses something.
    """
    dsn = urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
    with in_words("the database cannot be used", where=place(url)):
        connection = await asyncpg.connect(dsn, timeout=PATIENCE_SECONDS)
        try:
            yield connection
        finally:
            await connection.close()
