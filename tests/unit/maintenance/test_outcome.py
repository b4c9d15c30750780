from __future__ import annotations

import time
from pathlib import Path

import pytest

from appliance.errors import WorldError
from appliance.layout import Layout, Runtime
from appliance.maintenance import outcome


def test_never_run(tmp_path: Path) -> None:
    assert outcome.read(Layout(tmp_path), "backup") is None
    assert outcome.failed(Layout(tmp_path), Runtime(tmp_path)) == []


def test_success_with_what_was_done(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    before = time.time()
    with outcome.recording(layout, "backup") as record:
        record.line = "made x"
        record.details["size"] = 3
    found = outcome.read(layout, "backup")
    assert found
    assert (found.ok, found.line, found.details) == (True, "made x", {"size": 3})
    assert before <= found.began <= found.ended <= time.time()
    assert outcome.failed(layout, Runtime(tmp_path)) == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (WorldError("no room", remedy="make some"), "no room; make some"),
        (OSError(28, "No space left on device", "/backups/x"), "/backups/x: No space left"),
        (KeyboardInterrupt(), "it was interrupted: KeyboardInterrupt"),
    ],
)
def test_failure_in_words(tmp_path: Path, error: BaseException, line: str) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(type(error)), outcome.recording(layout, "backup"):
        raise error
    (found,) = outcome.failed(layout, Runtime(tmp_path))
    assert not found.ok
    assert found.line.startswith(line)


def test_a_success_ends_a_failure(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(WorldError), outcome.recording(layout, "drill"):
        raise WorldError("broken")
    with outcome.recording(layout, "drill"):
        pass
    assert outcome.failed(layout, Runtime(tmp_path)) == []


def test_a_record_that_cannot_be_written_does_not_hide_the_failure(tmp_path: Path) -> None:
    (tmp_path / "maintenance").touch()
    with (
        pytest.raises(WorldError, match="the cause"),
        outcome.recording(Layout(tmp_path), "backup"),
    ):
        raise WorldError("the cause")


@pytest.mark.parametrize("content", ["", "[]", '{"job": "backup"}'])
def test_what_is_no_outcome_counts_as_none(tmp_path: Path, content: str) -> None:
    layout = Layout(tmp_path)
    layout.maintenance.mkdir()
    (layout.maintenance / "backup.json").write_text(content)
    assert outcome.read(layout, "backup") is None
