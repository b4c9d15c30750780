"""Whether somebody has used a database: it holds what deployments in files could not bring back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg

# What somebody made or ran. Deployments, and runs that wait for their time, come from files anew.
SIGNS = (
    ("flow_run", "SELECT 1 FROM flow_run WHERE start_time IS NOT NULL LIMIT 1"),
    ("block_document", "SELECT 1 FROM block_document LIMIT 1"),
    ("variable", "SELECT 1 FROM variable LIMIT 1"),
    ("automation", "SELECT 1 FROM automation LIMIT 1"),
)


def of_sqlite(file: Path) -> bool:
    """Tell it of an SQLite file; one that cannot be read is taken for used."""
    # `os.path` takes what it may not look at for absent; `pathlib` raises.
    if not os.path.exists(file):  # noqa: PTH110
        return False
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            tables = {name for (name,) in reader.execute("SELECT name FROM sqlite_schema")}
            return any(
                reader.execute(query).fetchone() for table, query in SIGNS if table in tables
            )
    except sqlite3.DatabaseError:
        return True


async def of_postgres(connection: asyncpg.Connection) -> bool:
    """Tell it of a Postgres database.

    Raises:
        asyncpg.PostgresError: It cannot be read.
    """
    for table, query in SIGNS:
        there = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
        if there and await connection.fetchval(query):
            return True
    return False
