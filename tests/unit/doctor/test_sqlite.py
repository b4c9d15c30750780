from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.database.revisions import known
from appliance.doctor import sqlite
from appliance.doctor.finding import Finding, Level
from appliance.settings import DatabaseEngine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prefect.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE run (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("CREATE INDEX by_name ON run (name)")
        connection.executemany("INSERT INTO run (name) VALUES (?)", [("x" * 200,)] * 500)
        connection.commit()
    return path


def only(file: Path) -> Finding:
    (finding,) = sqlite.look(file)
    return finding


def test_a_sound_file(file: Path) -> None:
    content = file.read_bytes()
    assert only(file).is_well
    assert "is sound" in only(file).what
    assert file.read_bytes() == content


def test_a_file_in_use(file: Path) -> None:
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO run (name) VALUES ('new')")
        assert only(file).is_well


def test_a_damaged_page(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    file.write_bytes(content)
    finding = only(file)
    assert finding.level is Level.PROBLEM
    assert "is damaged" in finding.what
    assert "zoe restore" in finding.remedy


def test_a_file_that_is_no_database(file: Path) -> None:
    file.write_bytes(b"no database " * 1000)
    assert "is damaged: file is not a database" in only(file).what
    assert list(sqlite.schema(file)) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read: unable to open" in only(tmp_path / "absent.db").what
    assert not (tmp_path / "absent.db").exists()


def test_a_file_too_large_for_our_patience(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "STEPS", 1)
    (finding,) = sqlite.look(file, patience=-1.0)
    assert finding.is_well
    assert "as far as it could be read" in finding.what


def test_the_revision(file: Path) -> None:
    assert sqlite.revision(file) is None
    head = known(DatabaseEngine.SQLITE).head
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
        assert sqlite.revision(file) is None
        connection.execute("INSERT INTO alembic_version VALUES (?)", (head,))
        connection.commit()
    assert sqlite.revision(file) == head
    (finding,) = sqlite.schema(file)
    assert finding.is_well
