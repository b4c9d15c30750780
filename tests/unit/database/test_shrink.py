from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.database import shrink
from appliance.layout import Layout
from appliance.maintenance import outcome


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path))
    layout = Layout(tmp_path)
    layout.sqlite_file.parent.mkdir()
    return layout


def test_outcome_is_written_down(layout: Layout) -> None:
    with closing(sqlite3.connect(layout.sqlite_file)) as connection:
        connection.execute("CREATE TABLE t (value)")
    assert shrink.main() == 0
    found = outcome.read(layout, "shrink")
    assert found is not None
    assert found.ok
    assert "nothing to gain" in found.line


def test_failure_is_written_down_and_told(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    layout.sqlite_file.write_bytes(b"this is no database" * 100)
    assert shrink.main() == 1
    found = outcome.read(layout, "shrink")
    assert found is not None
    assert not found.ok
    assert "file is not a database" in found.line
    assert "shrink failed" in capsys.readouterr().out


def test_another_engine_has_nothing_to_shrink(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_DATABASE", "postgres")
    layout.sqlite_file.touch()
    assert shrink.main() == 0
    assert outcome.read(layout, "shrink") is None
