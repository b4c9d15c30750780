"""An SQLite database as Prefect's looks from here: WAL, a revision, a few rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

REVISION = "0123456789ab"


def make_database(path: Path, runs: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))
        connection.execute("CREATE TABLE flow_run (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, message TEXT)")
        add_runs(connection, runs)
    return path


def add_runs(connection: sqlite3.Connection, runs: int) -> None:
    """Each with its log, in one transaction: a consistent copy has as many of the one as of
    the other."""
    connection.execute("BEGIN IMMEDIATE")
    for _ in range(runs):
        connection.execute("INSERT INTO flow_run (name) VALUES (?)", ("run" * 50,))
        connection.execute("INSERT INTO log (message) VALUES (?)", ("message" * 50,))
    connection.execute("COMMIT")
