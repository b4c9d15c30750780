from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from appliance.database import findings
from appliance.errors import OperatorError, WorldError
from tests.unit import small_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "odd name?.db"


def test_no_file_and_a_new_one_hold_nothing(file: Path) -> None:
    assert findings.of_sqlite(file) == findings.NOTHING
    assert not file.exists()
    file.touch()
    assert findings.of_sqlite(file) == findings.NOTHING


def test_everything_is_found_while_another_writes(file: Path) -> None:
    key, own = small_database.new_key(), small_database.new_key()
    small_database.make(file, blocks={"one": key}, own_key=own)
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE alembic_version SET version_num = 'half way'")
        found = findings.of_sqlite(file)
        writer.execute("ROLLBACK")
    assert found.revisions == {small_database.HEAD}
    assert list(found.blocks) == ["one"]
    assert Fernet(key).decrypt(found.blocks["one"]) == b'{"value": "s"}'
    assert found.own_key == own
    assert own not in repr(found)


def test_file_is_left_as_it_is(file: Path) -> None:
    small_database.make(file)
    before = file.read_bytes()
    findings.of_sqlite(file)
    assert file.read_bytes() == before


def test_what_an_ancient_prefect_left_unencrypted_is_no_secret(file: Path) -> None:
    small_database.make(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO block_document VALUES ('b', 'b', '{}')")
    assert findings.of_sqlite(file).blocks == {}


@pytest.mark.parametrize("damage", ["header", "half"])
def test_damaged_file(file: Path, damage: str) -> None:
    small_database.make(file)
    content = file.read_bytes()
    file.write_bytes(b"x" * 100 + content[100:] if damage == "header" else content[:5000])
    with pytest.raises(OperatorError) as caught:
        findings.of_sqlite(file)
    assert f"the database {file} is damaged: " in caught.value.line()
    assert "zoe restore" in caught.value.line()


def test_what_cannot_be_read_now_is_no_damage(file: Path) -> None:
    file.mkdir()
    with pytest.raises(WorldError, match="cannot be read: disk I/O error"):
        findings.of_sqlite(file)
