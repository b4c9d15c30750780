"""Whether a table holds the same rows on both sides: not only as many, but the same values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import asyncpg

from appliance.database.promotion.plan import Column, Table
from appliance.database.promotion.source import BATCH_ROWS, quoted
from appliance.errors import WorldError

Row = tuple[Any, ...]


async def verify(connection: asyncpg.Connection, table: Table, expected: Iterable[Row]) -> int:
    """Compare a table, row by row in the order of its key; return how many rows it has.

    Args:
        connection: In a transaction.
        table: The table.
        expected: The source's rows in Postgres' terms, in the order of the key.

    Raises:
        WorldError: They differ.
    """
    expected = iter(expected)
    count = 0
    async with connection.transaction():
        cursor = await connection.cursor(_query(table))
        while batch := await cursor.fetch(BATCH_ROWS):
            for found in batch:
                _compare(table, _next(table, expected), tuple(found))
            count += len(batch)
    left = next(expected, None)
    if left is not None:
        raise WorldError(f"the copy of {table.name} lacks rows", where=f"row {left[0]}")
    return count


def _query(table: Table) -> str:
    columns = ", ".join(quoted(column.name) for column in table.columns)
    return f"SELECT {columns} FROM {quoted(table.name)} ORDER BY {_order(table.key)}"  # noqa: S608 - quoted identifiers


def _order(key: Iterable[Column]) -> str:
    """Return an order that is SQLite's as well: bytes, whatever the database's language is."""
    return ", ".join(
        quoted(column.name) + (' COLLATE "C"' if column.type.startswith(("text", "char")) else "")
        for column in key
    )


def _next(table: Table, expected: Iterator[Row]) -> Row:
    row = next(expected, None)
    if row is None:
        raise WorldError(f"the copy of {table.name} has more rows than the source")
    return row


def differing(table: Table, expected: Row, found: Row) -> str | None:
    """Return the first column whose values do not mean the same; None when all do."""
    if expected == found:
        return None
    for column, ours, theirs in zip(table.columns, expected, found, strict=True):
        if ours != theirs and column.comparable(ours) != column.comparable(theirs):
            return column.name
    return None


def _compare(table: Table, expected: Row, found: Row) -> None:
    column = differing(table, expected, found)
    if column is not None:
        raise WorldError(
            f"the copy of {table.name}.{column} differs from the source", where=f"row {expected[0]}"
        )
