"""A file in the place of the directory of outcomes takes none, as a full disk does."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from appliance.errors import WorldError
from appliance.layout import Layout, Runtime
from appliance.maintenance import outcome
from appliance.maintenance.outcome import Outcome
from appliance.maintenance.record import Record

FAILED = Outcome("backup", began=10.0, ended=20.0, ok=False, line="the disk is full")


class Disk:
    """A data directory and a runtime directory, and a record of both."""

    def __init__(self, root: Path) -> None:
        self.layout, self.runtime = Layout(root / "data"), Runtime(root / "run")
        self.layout.data.mkdir()
        self.runtime.root.mkdir()
        self.said: list[str] = []

    def record(self) -> Record:
        return Record(self.layout, self.runtime, lambda line, _level: self.said.append(line))

    def fill(self) -> None:
        self.layout.maintenance.touch()

    def free(self) -> None:
        self.layout.maintenance.unlink()

    def failed(self) -> list[Outcome]:
        return outcome.failed(self.layout, self.runtime)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_what_can_be_written_is_written_at_once(disk: Disk) -> None:
    disk.record().note(FAILED)
    assert outcome.read(disk.layout, "backup") == FAILED
    assert not disk.runtime.unwritten_outcomes.exists()
    assert disk.said == []


def test_what_cannot_be_written_is_told_and_written_later(disk: Disk) -> None:
    disk.fill()
    record = disk.record()
    record.note(FAILED)
    record.catch_up()
    assert disk.failed() == [FAILED]
    assert disk.said == ["the end of backup cannot be written down yet: File exists"]
    disk.free()
    record.catch_up()
    assert outcome.read(disk.layout, "backup") == FAILED
    assert not disk.runtime.unwritten_outcomes.exists()


def test_yesterday_s_success_hides_no_failure(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome.write(disk.layout, Outcome("backup", 0.0, 1.0, ok=True))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(outcome, "write", full)
        record = disk.record()
        record.note(FAILED)
    assert disk.failed() == [FAILED]
    record.catch_up()
    assert outcome.read(disk.layout, "backup") == FAILED


def test_neither_place_takes_it(disk: Disk) -> None:
    disk.fill()
    disk.runtime.unwritten_outcomes.mkdir()
    record = disk.record()
    record.note(FAILED)
    assert disk.failed() == []
    disk.runtime.unwritten_outcomes.rmdir()
    record.catch_up()
    assert disk.failed() == [FAILED]
    disk.free()
    record.catch_up()
    assert outcome.read(disk.layout, "backup") == FAILED


def test_a_maintenance_that_is_killed_forgets_nothing(disk: Disk) -> None:
    disk.fill()
    disk.record().note(FAILED)
    disk.free()
    disk.record().catch_up()
    assert outcome.read(disk.layout, "backup") == FAILED


@pytest.fixture
def by_hand(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A backup by hand has failed, and could not write that down."""
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(disk.runtime.root))
    outcome.write(disk.layout, Outcome("backup", 0.0, 1.0, ok=True))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(outcome, "write", full)
        with pytest.raises(WorldError), outcome.recording(disk.layout, "backup"):
            raise WorldError("the disk is full")
    return disk


def test_what_a_job_by_hand_could_not_write_is_told_and_written_later(by_hand: Disk) -> None:
    assert [one.line for one in by_hand.failed()] == ["the disk is full"]
    record = by_hand.record()
    assert record.parting_word("backup") == "the disk is full"
    record.catch_up()
    found = outcome.read(by_hand.layout, "backup")
    assert found
    assert (found.ok, found.line) == (False, "the disk is full")
    assert outcome.unwritten(by_hand.runtime) == {}


def test_a_success_by_hand_replaces_what_could_not_be_written(by_hand: Disk) -> None:
    with outcome.recording(by_hand.layout, "backup"):
        pass
    assert by_hand.failed() == []
    by_hand.record().catch_up()
    assert by_hand.failed() == []


def test_a_word_of_ours_replaces_what_a_job_could_not_write(by_hand: Disk) -> None:
    by_hand.record().note(FAILED)
    assert by_hand.failed() == [FAILED]


def test_where_zoe_does_not_run_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path / "none"))
    (tmp_path / "maintenance").touch()
    with pytest.raises(WorldError), outcome.recording(Layout(tmp_path), "backup"):
        raise WorldError("any")
    assert not (tmp_path / "none").exists()


def test_somebody_else_s_newer_word_stays_whatever_the_clock_says(disk: Disk) -> None:
    disk.fill()
    record = disk.record()
    record.note(FAILED)
    disk.free()
    by_hand = Outcome("backup", began=1.0, ended=2.0, ok=True)
    outcome.write(disk.layout, by_hand)
    record.catch_up()
    assert outcome.read(disk.layout, "backup") == by_hand
    assert disk.failed() == []
