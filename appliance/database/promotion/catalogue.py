"""What Postgres' catalogue says of the database that is to be filled: columns and foreign keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from appliance.database.content import NOT_CONTENT
from appliance.database.promotion.plan import TargetColumn
from appliance.database.promotion.source import quoted

COLUMNS = """
    SELECT class.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod),
           type.typtype = 'e', coalesce(attribute.attnum = ANY (key.conkey), false)
    FROM pg_attribute AS attribute
    JOIN pg_class AS class ON class.oid = attribute.attrelid
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    LEFT JOIN pg_constraint AS key ON key.conrelid = class.oid AND key.contype = 'p'
    WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind IN ('r', 'p')
      AND attribute.attnum > 0 AND NOT attribute.attisdropped AND class.relname <> ALL ($1)
    ORDER BY class.relname, attribute.attnum
"""
FOREIGN_KEYS = """
    SELECT class.relname, key.conname, pg_get_constraintdef(key.oid)
    FROM pg_constraint AS key JOIN pg_class AS class ON class.oid = key.conrelid
    WHERE key.contype = 'f' AND key.connamespace = current_schema()::regnamespace
    ORDER BY class.relname, key.conname
"""


@dataclass(frozen=True)
class ForeignKey:
    """A constraint and its definition, as Postgres would write it."""

    table: str
    name: str
    definition: str


async def columns(connection: asyncpg.Connection, apart_from: Sequence[str]) -> list[TargetColumn]:
    """Return every column of the connection's schema, apart from those of some tables."""
    return [
        TargetColumn(*row) for row in await connection.fetch(COLUMNS, [NOT_CONTENT, *apart_from])
    ]


async def foreign_keys(connection: asyncpg.Connection) -> list[ForeignKey]:
    """Return every foreign key of the connection's schema."""
    return [ForeignKey(*row) for row in await connection.fetch(FOREIGN_KEYS)]


async def drop(connection: asyncpg.Connection, keys: Sequence[ForeignKey]) -> None:
    """Drop foreign keys; in a transaction they are there again if it fails."""
    for key in keys:
        await connection.execute(
            f"ALTER TABLE {quoted(key.table)} DROP CONSTRAINT {quoted(key.name)}"
        )


async def restore(connection: asyncpg.Connection, keys: Sequence[ForeignKey]) -> None:
    """Make foreign keys anew; Postgres checks every row.

    Raises:
        asyncpg.IntegrityConstraintViolationError: A row refers to one that is not there.
    """
    for key in keys:
        await connection.execute(
            f"ALTER TABLE {quoted(key.table)} ADD CONSTRAINT {quoted(key.name)} {key.definition}"
        )
