"""A SQLite file with the few of Prefect's tables that the guards look into, real and small."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

# Of Prefect 3.8.8's SQLite migrations the last, which adds one index to `flow_run`, and the one
# before.
HEAD = "a3b9c7d2e5f1"
BEFORE_HEAD = "f416ea180ae1"

TABLES = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE block_document (id CHAR(36) PRIMARY KEY, name VARCHAR, data JSON NOT NULL);
CREATE TABLE configuration (id CHAR(36) PRIMARY KEY, key VARCHAR UNIQUE, value JSON NOT NULL);
"""
MIGRATED_TABLE = """
CREATE TABLE flow_run (
    id, state_type, parent_task_run_id, deployment_id, start_time, expected_start_time
)
"""


def make(
    file: Path,
    *,
    revisions: Sequence[str] = (HEAD,),
    blocks: Mapping[str, str] | None = None,
    own_key: str | None = None,
    migratable: bool = True,
) -> None:
    """Make the database.

    Args:
        file: Its path; the directory is made, too.
        revisions: What `alembic_version` holds.
        blocks: The key that each block is encrypted by, by the block's id.
        own_key: The key that stock Prefect would have kept in it.
        migratable: Whether the last migration can find the table it changes.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(TABLES)
        if migratable:
            connection.execute(MIGRATED_TABLE)
        connection.executemany(
            "INSERT INTO alembic_version VALUES (?)", [(name,) for name in revisions]
        )
        connection.executemany(
            "INSERT INTO block_document VALUES (?, ?, ?)",
            [(name, name, sealed({"value": "s"}, key)) for name, key in (blocks or {}).items()],
        )
        if own_key:
            connection.execute(
                "INSERT INTO configuration VALUES ('1', 'ENCRYPTION_KEY', ?)",
                (json.dumps({"fernet_key": own_key}),),
            )


def new_key() -> str:
    return Fernet.generate_key().decode()


def sealed(content: Mapping[str, Any], key: str) -> str:
    """Return what Prefect's column `block_document.data` holds."""
    return json.dumps(Fernet(key).encrypt(json.dumps(content).encode()).decode())


def query(file: Path, statement: str) -> list[Any]:
    """Return the first column."""
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute(statement)]
