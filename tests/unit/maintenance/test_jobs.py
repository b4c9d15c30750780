"""Real child processes at hours that have come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.layout import Layout, Runtime
from appliance.maintenance import outcome
from appliance.maintenance.jobs import GRACE_SECONDS, Jobs, planned
from appliance.maintenance.outcome import Outcome
from appliance.maintenance.record import Record
from appliance.maintenance.schedule import Job
from tests.unit.support import make_settings, wait_until

EVERY_MINUTE = "* * * * *"


def began_long_ago(layout: Layout, *names: str) -> None:
    for name in names:
        outcome.write(layout, Outcome(name, began=0.0, ended=1.0, ok=True))


def job(name: str, code: str, cron: str | None = EVERY_MINUTE, limit: float = 3600.0) -> Job:
    return Job(name, cron, (sys.executable, "-c", code), limit)


@pytest.fixture
def said() -> list[str]:
    return []


def make(layout: Layout, said: list[str], *jobs: Job) -> Jobs:
    def say(line: str, _level: str = "INFO") -> None:
        said.append(line)

    return Jobs(jobs, Record(layout, runtime_of(layout), say), say)


def runtime_of(layout: Layout) -> Runtime:
    return Runtime(layout.data)


def failed(layout: Layout) -> list[Outcome]:
    return outcome.failed(layout, runtime_of(layout))


def step_until(jobs: Jobs, condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    def look() -> object:
        jobs.step()
        return condition()

    wait_until(look, what, seconds)


def test_what_was_missed_is_made_good_one_after_the_other(tmp_path: Path, said: list[str]) -> None:
    layout = Layout(tmp_path)
    began_long_ago(layout, "a", "b", "c")
    marks = tmp_path / "marks"
    jobs = make(
        layout,
        said,
        *(job(name, f"open({str(marks)!r}, 'a').write('{name}')") for name in "ab"),
        job("c", "raise SystemExit(1)", cron=None),
    )
    step_until(jobs, lambda: marks.exists() and marks.read_text() == "ab", "both ran")
    step_until(jobs, lambda: jobs.running is None, "the second has ended")
    assert said == ["a begins", "b begins"]


def test_what_has_never_run_waits_for_its_hour(tmp_path: Path, said: list[str]) -> None:
    jobs = make(Layout(tmp_path), said, job("a", "", cron="0 0 1 1 *"))
    jobs.step()
    assert said == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("raise SystemExit(3)", "it ended with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with signal 9"),
    ],
)
def test_a_job_that_cannot_say_why_it_failed(
    tmp_path: Path, said: list[str], code: str, line: str
) -> None:
    layout = Layout(tmp_path)
    began_long_ago(layout, "a")
    jobs = make(layout, said, job("a", code))
    step_until(jobs, lambda: failed(layout), "it is on record")
    assert failed(layout)[0].line == line
    assert said == ["a begins", f"a failed: {line}"]


def test_a_job_s_own_words_stay(tmp_path: Path, said: list[str]) -> None:
    layout = Layout(tmp_path)
    began_long_ago(layout, "a")
    code = (
        "import pathlib, time\n"
        "from appliance.layout import Layout\n"
        "from appliance.maintenance.outcome import Outcome, write\n"
        f"layout = Layout(pathlib.Path({str(tmp_path)!r}))\n"
        "write(layout, Outcome('a', time.time(), time.time(), False, 'the disk is full'))\n"
        "raise SystemExit(1)\n"
    )
    jobs = make(layout, said, job("a", code))
    step_until(jobs, lambda: failed(layout), "it is on record")
    # One more look, at the end of the process.
    step_until(jobs, lambda: jobs.running is None, "its end is seen")
    assert failed(layout)[0].line == "the disk is full"


def test_a_clock_that_was_set_back_stops_nothing(tmp_path: Path, said: list[str]) -> None:
    layout = Layout(tmp_path)
    moments = [
        datetime(2026, 1, 2, 12, 0, 30, tzinfo=UTC),
        # A day back, and a minute later.
        datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC),
        datetime(2026, 1, 1, 12, 1, 30, tzinfo=UTC),
    ]

    def say(line: str, _level: str = "INFO") -> None:
        said.append(line)

    record = Record(layout, runtime_of(layout), say)
    jobs = Jobs((job("a", ""),), record, say, lambda: moments[0])
    jobs.step()
    moments.pop(0)
    jobs.step()
    assert said == []
    moments.pop(0)
    jobs.step()
    assert said == ["a begins"]
    step_until(jobs, lambda: jobs.running is None, "it has ended")


def test_a_clock_that_was_set_back_hides_no_failure(tmp_path: Path, said: list[str]) -> None:
    layout = Layout(tmp_path)
    next_year = time.time() + 365 * 24 * 3600
    outcome.write(layout, Outcome("a", began=0.0, ended=next_year, ok=True))
    jobs = make(layout, said, job("a", "raise SystemExit(1)"))
    step_until(jobs, lambda: failed(layout), "it is on record")


def test_a_job_whose_disk_is_full_is_on_record(tmp_path: Path, said: list[str]) -> None:
    layout = Layout(tmp_path)
    began_long_ago(layout, "a")
    jobs = make(layout, said, job("a", "raise SystemExit(1)"))
    # It takes no file any more, like a disk without a free block.
    (layout.maintenance / "a.json").unlink()
    layout.maintenance.rmdir()
    layout.maintenance.touch()
    step_until(jobs, lambda: failed(layout), "it is told")
    layout.maintenance.unlink()
    step_until(jobs, lambda: outcome.read(layout, "a"), "it is written down")


def test_a_job_that_cannot_be_started_stays_due(tmp_path: Path, said: list[str]) -> None:
    layout = Layout(tmp_path)
    began_long_ago(layout, "a")
    program = tmp_path / "program"
    due = Job("a", EVERY_MINUTE, (str(program),), 3600.0)
    jobs = make(layout, said, due)
    jobs.step()
    jobs.step()
    assert [end.line for end in failed(layout)] == [
        "it cannot be started: No such file or directory"
    ]
    assert said == ["a failed: it cannot be started: No such file or directory"]
    # Also for a maintenance that was started again meanwhile.
    jobs = make(layout, said, due)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    jobs.step()
    assert said[-1] == "a begins"
    step_until(jobs, lambda: jobs.running is None, "it has ended")


@pytest.mark.parametrize("deaf", [False, True])
def test_a_job_that_hangs_is_stopped_and_the_next_begins(
    tmp_path: Path, said: list[str], deaf: bool
) -> None:
    layout = Layout(tmp_path)
    began_long_ago(layout, "a", "b")
    ready = tmp_path / "ready"
    code = f"""
import signal
if {deaf}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
open({str(ready)!r}, "w").close()
signal.pause()
"""
    seconds = [0.0]

    def say(line: str, _level: str = "INFO") -> None:
        said.append(line)

    jobs = Jobs(
        (job("a", code, limit=2 * 3600), job("b", "")),
        Record(layout, runtime_of(layout), say),
        say,
        monotonic=lambda: seconds[0],
    )
    step_until(jobs, ready.exists, "it hangs")
    assert said == ["a begins"]
    seconds[0] = 2 * 3600
    jobs.step()
    line = "it had not ended after 2 h and was stopped"
    # On record before it has ended, should nothing end it.
    assert [end.line for end in failed(layout)] == [line]
    if deaf:
        jobs.step()
        assert jobs.running == "a"
        seconds[0] += GRACE_SECONDS
    step_until(jobs, lambda: "b begins" in said, "the next begins")
    step_until(jobs, lambda: jobs.running is None, "it has ended")
    assert said == ["a begins", f"a failed: {line}", "b begins"]
    assert [end.line for end in failed(layout)] == [line]


def test_what_is_planned() -> None:
    crons = {job.name: job.cron for job in planned(make_settings(backup_schedule="off"))}
    assert crons["backup"] is None
    assert crons["drill"] == "0 5 * * 0"
    assert crons["shrink"]
    postgres = {job.name: job.cron for job in planned(make_settings(database="postgres"))}
    assert postgres["shrink"] is None
