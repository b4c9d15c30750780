from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.database.promotion import embedded, note
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.sqlite_file.parent.mkdir()
    layout.sqlite_file.write_text("data")
    return layout


def test_cluster_from_former_times_is_not_overwritten(layout: Layout) -> None:
    embedded.check(layout)
    layout.postgres_data.mkdir()
    with pytest.raises(OperatorError, match="use it with ZOE_DATABASE=postgres"):
        embedded.check(layout)


def test_disk_that_is_too_full_is_told_beforehand(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(layout.data)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100 * 2**20))
    with pytest.raises(WorldError, match="100 MB are free, and promotion may take 150 MB"):
        embedded.check(layout)


def test_what_a_kill_left_is_taken_away(layout: Layout) -> None:
    left = layout.data / f"{embedded.SCRATCH_PREFIX}abc" / "postgres"
    left.mkdir(parents=True)
    note.begin(layout, note.EMBEDDED)
    embedded.recover(layout)
    assert sorted(path.name for path in layout.data.iterdir()) == ["database"]
    assert [path.name for path in layout.sqlite_file.parent.iterdir()] == ["prefect.db"]
