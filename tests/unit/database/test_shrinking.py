"""A real file, with a writer that never stops."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.database import shrinking
from appliance.database.shrinking import State, Way, make_incremental, shrink, way
from appliance.errors import WorldError
from tests.unit.support import wait_until

MIB = 2**20


def make(path: Path, *, incremental: bool, mebibytes: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        if incremental:
            make_incremental(connection)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)")
        connection.execute("CREATE TABLE written (value)")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO t (value) VALUES (randomblob(?))", [(4000,)] * (mebibytes * 250)
        )
        connection.execute("COMMIT")
        connection.execute("DELETE FROM t WHERE id % 10 <> 0")


@contextmanager
def writing(path: Path) -> Iterator[list[int]]:
    """Write on and on, as Prefect does: IMMEDIATE, with patience; yield what was acknowledged."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO written VALUES (?)", (len(acknowledged),))
                connection.execute("COMMIT")
                acknowledged.append(len(acknowledged))
                # SQLite's lock is not a fair one.
                stop.wait(0.002)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_until(lambda: acknowledged, "a first write")
        yield acknowledged
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("incremental", [True, False])
def test_file_shrinks_under_a_writer_and_loses_nothing(tmp_path: Path, incremental: bool) -> None:
    path = tmp_path / "prefect.db"
    make(path, incremental=incremental, mebibytes=12)
    before = path.stat().st_size
    with writing(path) as acknowledged:
        line = shrink(path)
        so_far = len(acknowledged)
        wait_until(lambda: len(acknowledged) > so_far, "writes go on")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert shrinking.state_of(connection).incremental
        written = connection.execute("SELECT value FROM written ORDER BY value").fetchall()
        assert [value for (value,) in written] == acknowledged
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (300,)
    assert line.startswith("from ")
    assert path.stat().st_size < before / 4


def test_small_gain_is_left_for_the_next_rows(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    make(path, incremental=True, mebibytes=2)
    assert shrink(path).startswith("nothing to gain")


def test_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(WorldError, match="cannot be shrunk: file is not a database"):
        shrink(path)


@pytest.mark.parametrize(
    ("size", "free", "incremental", "chosen"),
    [
        (100, 50, True, Way.STEPS),
        (5000, 4000, True, Way.STEPS),
        (100, 1, True, Way.NOTHING),
        # Rewritten once while that is quick, to be incremental from then on.
        (10, 0, False, Way.REWRITE),
        (300, 30, False, Way.NOTHING),
        (300, 150, False, Way.REWRITE),
        (2000, 1000, False, Way.TOO_LARGE),
    ],
)
def test_way(size: int, free: int, incremental: bool, chosen: Way) -> None:
    pages = MIB // 4096
    assert way(State(4096, size * pages, free * pages, incremental)) is chosen


def test_no_room_to_rewrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prefect.db"
    make(path, incremental=False, mebibytes=2)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=MIB))
    with pytest.raises(WorldError, match=r"and 1.0 MiB are free.*make room"):
        shrink(path)
