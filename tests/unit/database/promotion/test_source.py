from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from appliance.database import revisions
from appliance.database.promotion.plan import Table, TargetColumn, make
from appliance.database.promotion.source import opened
from appliance.errors import OperatorError, WorldError
from appliance.settings import DatabaseEngine

IDS = [f"00000000-0000-4000-8000-00000000000{digit}" for digit in "21"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "prefect.db"
    head = revisions.known(DatabaseEngine.SQLITE).head
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA journal_mode = WAL;"
            "CREATE TABLE alembic_version (version_num);"
            "CREATE TABLE t (id CHAR(36) PRIMARY KEY, value JSON);"
        )
        connection.execute("INSERT INTO alembic_version VALUES (?)", (head,))
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(IDS[0], "5"), (IDS[1], None)])
        connection.commit()
    return path


def table(value_type: str = "jsonb") -> Table:
    columns = [
        TargetColumn("t", "id", "uuid", is_enum=False, in_key=True),
        TargetColumn("t", "value", value_type, is_enum=False, in_key=False),
    ]
    return make({"t": ["id", "value"]}, columns)[0]


def test_rows_come_in_the_order_of_the_key(database: Path) -> None:
    with opened(database) as source:
        assert source.tables() == {"t": ["id", "value"]}
        assert source.count(table()) == 2
        assert list(source.rows(table())) == [(UUID(IDS[1]), None), (UUID(IDS[0]), "5")]


def test_value_without_counterpart_names_its_row(database: Path) -> None:
    with (
        opened(database) as source,
        pytest.raises(WorldError, match=rf"t.value cannot become a uuid.*\(row {IDS[0]}\)"),
    ):
        list(source.rows(table("uuid")))


def test_another_revision_is_refused_with_the_way_out(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'future'")
    with (
        pytest.raises(OperatorError, match="start this Zoe once with ZOE_DATABASE=sqlite"),
        opened(database),
    ):
        pass


def test_damaged_file_is_refused(database: Path) -> None:
    database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(WorldError, match="restore a backup first"), opened(database):
        pass
    assert database.read_bytes().startswith(b"this is no database")


def test_absent_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no SQLite database"), opened(tmp_path / "absent"):
        pass
    assert not list(tmp_path.iterdir())
