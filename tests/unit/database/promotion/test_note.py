"""Killed at any moment, a promotion is finished or forgotten, by what the files themselves say."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.database.promotion import note
from appliance.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.sqlite_file.parent.mkdir()
    layout.sqlite_file.write_text("data")
    return layout


def test_killed_before_the_last_step_sqlite_is_in_charge(layout: Layout) -> None:
    note.begin(layout, note.EMBEDDED)
    assert note.read(layout) is None
    note.recover(layout)
    assert not layout.promoted.exists()
    assert layout.sqlite_file.read_text() == "data"


def test_killed_after_the_last_step_it_is_finished(layout: Layout) -> None:
    begun = note.begin(layout, note.EMBEDDED)
    layout.postgres_data.mkdir()
    assert note.read(layout) == begun
    note.recover(layout)
    read = note.read(layout)
    assert read is not None
    assert read.done
    assert not layout.sqlite_file.exists()
    assert layout.sqlite_file.with_name(begun.kept).read_text() == "data"
    note.recover(layout)
    assert note.read(layout) == read


def test_external_one_counts_once_sqlite_is_set_aside(layout: Layout) -> None:
    begun = note.begin(layout, "db:5432/prefect")
    # A cluster from former times says nothing about this promotion.
    layout.postgres_data.mkdir()
    assert note.read(layout) is None
    layout.sqlite_file.rename(layout.sqlite_file.with_name(begun.kept))
    assert note.read(layout) == begun
    note.recover(layout)
    read = note.read(layout)
    assert read is not None
    assert read.done


def test_what_belongs_to_the_database_goes_with_it(layout: Layout) -> None:
    wal = layout.sqlite_file.with_name("prefect.db-wal")
    wal.write_text("wal")
    kept = note.finish(layout, note.begin(layout, "db:5432/prefect"))
    assert kept.read_text() == "data"
    assert Path(f"{kept}-wal").read_text() == "wal"
    assert not wal.exists()


def test_no_promotion_nothing_to_recover(layout: Layout) -> None:
    note.recover(layout)
    assert note.read(layout) is None
    assert layout.sqlite_file.exists()
