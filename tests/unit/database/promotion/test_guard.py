from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from appliance.database.promotion import guard, note
from appliance.errors import OperatorError
from appliance.layout import Layout
from tests.unit.support import make_settings, unprivileged

SCHEMA = "CREATE TABLE flow_run (start_time); CREATE TABLE variable (value);"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.sqlite_file.parent.mkdir()
    return layout


def fill(layout: Layout, statements: str) -> None:
    with closing(sqlite3.connect(layout.sqlite_file)) as connection:
        # As Prefect does; closed, it leaves no -shm behind for a reader to find.
        connection.executescript("PRAGMA journal_mode = WAL;" + SCHEMA + statements)


def check(layout: Layout, database: str) -> None:
    guard.check(make_settings(database=database), layout)


def test_new_volume_takes_any_database(layout: Layout) -> None:
    for database in ("sqlite", "postgres", "postgresql://u:p@127.0.0.1:1/d"):
        check(layout, database)


def test_sqlite_that_nobody_used_is_no_obstacle(layout: Layout) -> None:
    # The shipped deployments and their waiting runs.
    fill(layout, "INSERT INTO flow_run VALUES (NULL);")
    check(layout, "postgres")


@pytest.mark.parametrize(
    "sign", ["INSERT INTO flow_run VALUES ('2026');", "INSERT INTO variable VALUES (1);"]
)
def test_used_sqlite_is_not_left_behind_unsaid(layout: Layout, sign: str) -> None:
    fill(layout, sign)
    check(layout, "sqlite")
    with pytest.raises(OperatorError, match="move it with zoe promote --to postgres"):
        check(layout, "postgres")
    layout.postgres_data.mkdir()
    check(layout, "postgres")


@pytest.mark.parametrize("there", ["nothing", "unused"])
def test_embedded_postgres_is_not_left_behind_unsaid(layout: Layout, there: str) -> None:
    if there == "unused":
        fill(layout, "INSERT INTO flow_run VALUES (NULL);")
    layout.postgres_data.mkdir()
    check(layout, "postgres")
    with pytest.raises(OperatorError, match="SQLite would begin without") as caught:
        check(layout, "sqlite")
    assert "set ZOE_DATABASE=postgres" in caught.value.line()
    # The way on, as the line says it.
    layout.postgres_data.rename(layout.data / "not-wanted")
    check(layout, "sqlite")


def test_two_databases_that_were_used_in_turn_are_the_operator_s_choice(layout: Layout) -> None:
    fill(layout, "INSERT INTO variable VALUES (1);")
    layout.postgres_data.mkdir()
    check(layout, "sqlite")
    check(layout, "postgres")


def test_data_that_we_may_not_look_at_is_not_the_guard_s_business(public_dir: Path) -> None:
    layout = Layout(public_dir)
    layout.postgres_data.mkdir()
    layout.sqlite_file.parent.mkdir()
    layout.sqlite_file.touch()
    layout.sqlite_file.parent.chmod(0)
    try:
        unprivileged(partial(check, layout, "postgresql://u:p@127.0.0.1:1/d"))
    finally:
        layout.sqlite_file.parent.chmod(0o755)


def test_damaged_sqlite_is_not_left_behind_either(layout: Layout) -> None:
    layout.sqlite_file.write_bytes(b"this is no database" * 100)
    with pytest.raises(OperatorError, match="would begin without"):
        check(layout, "postgres")


def test_after_a_promotion_sqlite_does_not_begin_empty(layout: Layout) -> None:
    fill(layout, "")
    layout.postgres_data.mkdir()
    kept = note.finish(layout, note.begin(layout, note.EMBEDDED))
    check(layout, "postgres")
    with pytest.raises(OperatorError, match=f"set ZOE_DATABASE to postgres.*rename {kept.name}"):
        check(layout, "sqlite")
    # Who puts the old one back means it.
    kept.rename(layout.sqlite_file)
    check(layout, "sqlite")


def test_after_a_promotion_to_another_server_the_embedded_one_does_not_begin_empty(
    layout: Layout,
) -> None:
    fill(layout, "")
    note.finish(layout, note.begin(layout, "db:5432/prefect"))
    with pytest.raises(OperatorError, match="promoted from SQLite to db:5432/prefect"):
        check(layout, "postgres")
    with pytest.raises(OperatorError, match="set ZOE_DATABASE to that database's URL"):
        check(layout, "sqlite")


def test_server_that_cannot_be_reached_is_not_the_guard_s_business(layout: Layout) -> None:
    fill(layout, "INSERT INTO variable VALUES (1);")
    check(layout, "postgresql://u:p@127.0.0.1:1/d")
