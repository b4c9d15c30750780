"""Fill a migrated Postgres database from SQLite: all of it and proven equal, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import asyncpg

from appliance.database.promotion import catalogue, plan
from appliance.database.promotion.plan import Table
from appliance.database.promotion.source import Source, quoted
from appliance.database.promotion.verifying import verify
from appliance.errors import WorldError

Say = Callable[[str], None]


async def fill(
    connection: asyncpg.Connection, source: Source, say: Say, *, apart_from: Sequence[str] = ()
) -> dict[str, int]:
    """Copy every table in one transaction; return how many rows each has.

    Rows that migrations put into the target give way to the source's own. Foreign keys are made
    anew once all rows are there: Prefect's tables refer to each other in circles, and switching
    the checks off (`session_replication_role`) takes a superuser, which the owner of an external
    database seldom is.

    Args:
        connection: To the database, with Prefect's newest schema.
        source: Where the rows come from.
        say: Takes a line of progress.
        apart_from: Tables of our own in the target.

    Raises:
        WorldError: Something cannot be copied or came out different; the target is as before.
    """
    tables = plan.make(source.tables(), await catalogue.columns(connection, apart_from))
    try:
        async with connection.transaction():
            keys = await catalogue.foreign_keys(connection)
            await catalogue.drop(connection, keys)
            await connection.execute(
                f"TRUNCATE {', '.join(quoted(table.name) for table in tables)}"
            )
            for table in tables:
                await _copy(connection, source, table, say)
            await catalogue.restore(connection, keys)
            return {table.name: await _verified(connection, source, table, say) for table in tables}
    except asyncpg.PostgresError as error:
        raise WorldError(
            f"Postgres refuses the copy: {error}",
            remedy="mend what it names in SQLite, and promote again",
        ) from None


async def _copy(connection: asyncpg.Connection, source: Source, table: Table, say: Say) -> None:
    rows = source.count(table)
    if not rows:
        return
    say(f"copying {table.name}: {rows:,} rows")
    await connection.copy_records_to_table(
        table.name,
        records=source.rows(table),
        columns=[column.name for column in table.columns],
        timeout=None,
    )


async def _verified(connection: asyncpg.Connection, source: Source, table: Table, say: Say) -> int:
    rows = await verify(connection, table, source.rows(table))
    if rows:
        say(f"verified {table.name}: {rows:,} rows are equal")
    return rows
