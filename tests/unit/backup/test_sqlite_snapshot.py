"""Copies of a database that others write to meanwhile."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from appliance.backup import sqlite_snapshot
from appliance.database.content import row_counts_sqlite
from appliance.errors import WorldError
from tests.unit.backup.databases import REVISION, make_database

WRITE = """
import sqlite3, sys
from tests.unit.backup.databases import add_runs
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
add_runs(connection, 20)
print("writing", flush=True)
while True:
    add_runs(connection, 20)
"""


def test_a_copy_under_load_is_of_one_moment(tmp_path: Path) -> None:
    database = make_database(tmp_path / "d" / "prefect.db", runs=2000)
    command = [sys.executable, "-c", WRITE, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path.cwd()) as writer:
        try:
            assert writer.stdout
            assert writer.stdout.readline() == b"writing\n"
            counts = []
            for number in range(5):
                target = tmp_path / f"copy-{number}.db"
                sqlite_snapshot.copy(database, target)
                counts.append(row_counts_sqlite(target))
        finally:
            writer.kill()
    for count in counts:
        assert count["flow_run"] == count["log"] >= 2000
        assert count["flow_run"] % 20 == 0
    assert counts[-1]["flow_run"] > 2000


def test_a_copy_is_one_file_with_what_was_still_in_the_wal(tmp_path: Path) -> None:
    database = make_database(tmp_path / "d" / "prefect.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO flow_run (name) VALUES ('late')")
        connection.commit()
        sqlite_snapshot.copy(database, tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "d"]
    assert row_counts_sqlite(tmp_path / "copy.db") == {"flow_run": 4, "log": 3}
    assert sqlite_snapshot.revision(tmp_path / "copy.db") == REVISION


def test_a_database_without_a_schema_has_no_revision(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        connection.execute("CREATE TABLE x (y)")
    assert sqlite_snapshot.revision(tmp_path / "new.db") is None


def test_a_damaged_database_is_not_copied(tmp_path: Path) -> None:
    database = make_database(tmp_path / "prefect.db", runs=500)
    content = bytearray(database.read_bytes())
    content[8192:12288] = b"\xaa" * 4096
    database.write_bytes(content)
    with pytest.raises(WorldError, match=r"prefect\.db cannot be copied: .*(damaged|malformed)"):
        sqlite_snapshot.copy(database, tmp_path / "copy.db")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="unable to open"):
        sqlite_snapshot.copy(tmp_path / "prefect.db", tmp_path / "copy.db")
    assert not (tmp_path / "prefect.db").exists()
