"""What the guards must know of a database before anything changes it: read, never written.

Prefect 3.8.8 keeps its revision in `alembic_version`, the content of every block in
`block_document.data`, encrypted (a JSON string that holds a Fernet token), and, where no key was
given to it, the key itself in `configuration`. (Read in `server/utilities/encryption.py`.)
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from appliance.errors import OperatorError, WorldError

PATIENCE_SECONDS = 5.0
DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")

REVISIONS = "SELECT version_num FROM alembic_version"
BLOCKS = "SELECT CAST(id AS TEXT), CAST(data AS TEXT) FROM block_document"
OWN_KEY = "SELECT CAST(value AS TEXT) FROM configuration WHERE key = 'ENCRYPTION_KEY'"
TABLES = ("alembic_version", "block_document", "configuration")


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        revisions: What `alembic_version` holds: one revision, or none in a new database.
        blocks: The Fernet token of each block document, by its id.
        own_key: The Fernet key that stock Prefect kept in the database itself; None without one.
    """

    revisions: frozenset[str] = frozenset()
    blocks: Mapping[str, str] = field(default_factory=dict, repr=False)
    own_key: str | None = field(default=None, repr=False)


NOTHING = Findings()


def of_sqlite(file: Path) -> Findings:
    """Look into a SQLite file, which another process may be using; a missing one is empty.

    Raises:
        OperatorError: It is damaged, or no SQLite database at all.
        WorldError: It cannot be read now.
    """
    if not os.path.lexists(file):
        return NOTHING
    try:
        with closing(
            sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=PATIENCE_SECONDS)
        ) as connection:
            tables = {
                name
                for (name,) in connection.execute("SELECT name FROM sqlite_master")
                if name in TABLES
            }
            return _findings(
                connection.execute(REVISIONS).fetchall() if TABLES[0] in tables else [],
                connection.execute(BLOCKS).fetchall() if TABLES[1] in tables else [],
                connection.execute(OWN_KEY).fetchall() if TABLES[2] in tables else [],
            )
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "").startswith(DAMAGED):
            raise OperatorError(
                f"the database {file} is damaged: {error}",
                where="ZOE_DATA_DIR",
                remedy="put a backup in its place with zoe restore; nothing was changed",
            ) from None
        raise WorldError(f"the database {file} cannot be read: {error}") from None


async def of_postgres(connection: asyncpg.Connection) -> Findings:
    """Look into a Postgres database.

    Raises:
        asyncpg.PostgresError: It cannot be read.
    """
    rows = [
        await connection.fetch(query)
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
        else []
        for table, query in zip(TABLES, (REVISIONS, BLOCKS, OWN_KEY), strict=True)
    ]
    return _findings(*rows)


def _findings(
    revisions: list[tuple[str]], blocks: list[tuple[str, str]], own_keys: list[tuple[str]]
) -> Findings:
    tokens = {name: token for name, data in blocks if isinstance(token := json.loads(data), str)}
    key = json.loads(own_keys[0][0]).get("fernet_key") if own_keys else None
    return Findings(frozenset(name for (name,) in revisions), tokens, key)
