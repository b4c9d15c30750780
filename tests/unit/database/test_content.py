from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.database.content import row_counts_sqlite


def test_every_table_but_alembic_s_and_sqlite_s_own(tmp_path: Path) -> None:
    path = tmp_path / "odd name?.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            'CREATE TABLE "a ""b" (id INTEGER PRIMARY KEY AUTOINCREMENT);'
            'INSERT INTO "a ""b" DEFAULT VALUES; INSERT INTO "a ""b" DEFAULT VALUES;'
            "CREATE TABLE empty (id); CREATE TABLE alembic_version (version_num);"
        )
    assert row_counts_sqlite(path) == {'a "b': 2, "empty": 0}


def test_file_in_use_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t (id)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO t VALUES (1)")
        assert row_counts_sqlite(path) == {"t": 0}
        writer.execute("COMMIT")
        assert row_counts_sqlite(path) == {"t": 1}


def test_absent_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        row_counts_sqlite(tmp_path / "absent.db")
    assert not list(tmp_path.iterdir())
