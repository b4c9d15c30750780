from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from appliance.worker.ledger import Ledger, boot_id, start_ticks


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "worker" / "runs")


def test_a_noted_run_is_there_for_the_next_worker_until_it_is_struck(
    ledger: Ledger, tmp_path: Path
) -> None:
    ledger.note("one")
    ledger.note("two", os.getpid())
    again = Ledger(tmp_path / "worker" / "runs")
    assert [(entry.flow_run_id, entry.pid) for entry in again.entries()] == [
        ("one", 0),
        ("two", os.getpid()),
    ]
    again.strike("one")
    again.strike("one")
    assert [entry.flow_run_id for entry in ledger.entries()] == ["two"]


def test_the_directory_is_for_its_owner_alone(ledger: Ledger, tmp_path: Path) -> None:
    ledger.note("one")
    assert (tmp_path / "worker" / "runs").stat().st_mode & 0o777 == 0o700


def test_a_living_process_is_alive_and_a_dead_one_is_not(ledger: Ledger) -> None:
    process = subprocess.Popen(["sleep", "600"])
    entry = ledger.note("run", process.pid)
    assert entry.is_alive()
    process.kill()
    # Killed and not yet reaped, it is a zombie: nothing runs any more.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not entry.is_alive()
    process.wait()
    assert not entry.is_alive()


def test_another_process_with_the_same_number_is_not_it(ledger: Ledger, tmp_path: Path) -> None:
    ledger.note("run", os.getpid())
    path = tmp_path / "worker" / "runs" / "run.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "started": content["started"] - 1}))
    assert [entry.is_alive() for entry in ledger.entries()] == [False]


def test_after_a_reboot_nothing_is_alive(ledger: Ledger, tmp_path: Path) -> None:
    ledger.note("run", os.getpid())
    path = tmp_path / "worker" / "runs" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot_id": "another"}))
    assert [entry.is_alive() for entry in ledger.entries()] == [False]


def test_a_run_without_a_process_yet_is_not_alive(ledger: Ledger) -> None:
    assert not ledger.note("run").is_alive()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_file_that_is_no_entry_is_skipped(ledger: Ledger, tmp_path: Path, content: str) -> None:
    ledger.note("good", 0)
    (tmp_path / "worker" / "runs" / "bad.json").write_text(content)
    assert [entry.flow_run_id for entry in ledger.entries()] == ["good"]


def test_start_ticks_of_a_process_with_an_odd_name(tmp_path: Path) -> None:
    program = tmp_path / "a) Z (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(program), "600"])
    try:
        assert start_ticks(process.pid) == start_ticks(process.pid) is not None
    finally:
        process.kill()
        process.wait()
    assert start_ticks(process.pid) is None
    assert boot_id() == boot_id() != ""


def test_an_entry_of_an_earlier_version_is_read(ledger: Ledger, tmp_path: Path) -> None:
    ledger.note("run", os.getpid())
    path = tmp_path / "worker" / "runs" / "run.json"
    content = json.loads(path.read_text())
    del content["restored_from"]
    path.write_text(json.dumps(content))
    assert [(entry.flow_run_id, entry.restored_from) for entry in ledger.entries()] == [("run", "")]


def test_why_a_run_was_stopped_goes_with_it_and_before_its_next_try(ledger: Ledger) -> None:
    assert ledger.verdict("run") is None
    for begin_again in (ledger.strike, ledger.note):
        ledger.note("run")
        ledger.verdict_file("run").write_text("Too much.", encoding="utf-8")
        ledger.note("run", os.getpid())
        assert ledger.verdict("run") == "Too much."
        assert [entry.flow_run_id for entry in ledger.entries()] == ["run"]
        begin_again("run")
        assert ledger.verdict("run") is None
