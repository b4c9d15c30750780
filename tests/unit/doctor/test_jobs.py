from __future__ import annotations

import os

import pytest

from appliance.doctor import jobs
from appliance.doctor.finding import Level
from appliance.doctor.jobs import judge
from appliance.files import make_private_dir, write_atomically
from appliance.maintenance import outcome
from appliance.maintenance.outcome import Outcome
from tests.unit.doctor.conftest import MakePatient

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
NIGHTLY = "0 3 * * *"


def ended(ago: float, *, ok: bool = True, line: str = "") -> Outcome:
    return Outcome("backup", NOW - ago - 60, NOW - ago, ok, line)


@pytest.mark.parametrize(
    ("cron", "last", "age", "level", "said"),
    [
        (NIGHTLY, ended(5 * HOUR, line="zoe-x.tar.gz, 3 MiB"), 9 * DAY, Level.OK, "zoe-x.tar.gz"),
        (NIGHTLY, ended(5 * HOUR), 9 * DAY, Level.OK, "5 h ago: it went well"),
        (NIGHTLY, ended(HOUR, ok=False, line="disk full"), DAY, Level.PROBLEM, "disk full"),
        # One that was missed is made good when Zoe is there again.
        (NIGHTLY, ended(25 * HOUR), 9 * DAY, Level.OK, "25 h ago"),
        (NIGHTLY, ended(4 * DAY), 9 * DAY, Level.PROBLEM, "4 days ago, and the schedule"),
        (NIGHTLY, None, HOUR, Level.OK, "none yet; the first is due 20"),
        (NIGHTLY, None, 4 * DAY, Level.PROBLEM, "there has never been a backup"),
        (None, None, 4 * DAY, Level.WARNING, "ZOE_BACKUP_SCHEDULE is off, and there"),
        (None, ended(40 * DAY), 41 * DAY, Level.OK, "ZOE_BACKUP_SCHEDULE is off"),
        (None, ended(DAY, ok=False, line="disk full"), 4 * DAY, Level.PROBLEM, "disk full"),
    ],
)
def test_each_case(
    cron: str | None, last: Outcome | None, age: float, level: Level, said: str
) -> None:
    finding = judge("backup", cron, last, NOW - age, NOW)
    assert finding.level is level
    assert said in finding.what
    if not finding.is_well:
        assert "zoe backup create" in finding.remedy


def test_both_are_looked_at(make_patient: MakePatient) -> None:
    patient = make_patient()
    layout = patient.layout
    make_private_dir(layout.secrets_dir)
    write_atomically(layout.encryption_key, "x")
    assert [finding.check for finding in jobs.look(patient)] == ["backup", "drill"]
    assert all(finding.is_well for finding in jobs.look(patient))
    with outcome.recording(layout, "backup") as made:
        made.line = "zoe-x.tar.gz"
    long_ago = patient.now - 30 * DAY
    os.utime(layout.encryption_key, (long_ago, long_ago))
    backup, drill = jobs.look(patient)
    assert "zoe-x.tar.gz" in backup.what
    assert "there has never been a drill" in drill.what


def test_another_job_is_told_where_it_failed(make_patient: MakePatient) -> None:
    patient = make_patient()
    full = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space"), outcome.recording(patient.layout, "shrink"):
        raise full
    *_, shrink = jobs.look(patient)
    assert "the last shrink failed 0 s ago: No space left on device" in shrink.what


def test_a_worker_makes_none(make_patient: MakePatient) -> None:
    patient = make_patient(components="worker", api_url="http://127.0.0.1:1/api")
    assert list(jobs.look(patient)) == []
