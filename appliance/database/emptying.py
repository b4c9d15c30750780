"""Blocks whose key is lost: their content goes, so that the rest of the database can be used.

Prefect answers 500 to every listing of blocks as soon as it cannot decrypt one of them. Deleting
them would take the deployments that refer to them along (`ON DELETE CASCADE`); emptied, they keep
name, type and references and are filled in again in the UI.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import asyncpg
from cryptography.fernet import Fernet

IN_SQLITE = "UPDATE block_document SET data = ? WHERE id = ?"
IN_POSTGRES = "UPDATE block_document SET data = $1::json WHERE id = $2::uuid"


def sealed_nothing(key: str) -> str:
    """Return the column's value for a block without content, as Prefect 3.8.8 writes it."""
    return json.dumps(Fernet(key).encrypt(b"{}").decode())


def in_sqlite(file: Path, blocks: Iterable[str], key: str) -> None:
    """Empty blocks of a SQLite file, all or none.

    Raises:
        sqlite3.Error: They stay as they were.
    """
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(IN_SQLITE, [(sealed_nothing(key), block) for block in blocks])


async def in_postgres(connection: asyncpg.Connection, blocks: Iterable[str], key: str) -> None:
    """Empty blocks of a Postgres database, all or none.

    Raises:
        asyncpg.PostgresError: They stay as they were.
    """
    await connection.executemany(IN_POSTGRES, [(sealed_nothing(key), block) for block in blocks])
