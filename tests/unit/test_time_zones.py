"""Prefect's list of time zones, read once: a contract with Prefect as it is installed."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo

import pytest

from appliance import time_zones

# Counts the directories of the time zone database that are listed, by the interpreter's own word.
COUNT = """
import sys
listed = []
def hook(event, arguments):
    if event == "os.scandir" and "zoneinfo" in str(arguments[0]):
        listed.append(arguments[0])
sys.addaudithook(hook)
{before}
from prefect.server.schemas.schedules import CronSchedule
listed.clear()
for _ in range(3):
    CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")
print(len(listed))
"""


def listed(before: str) -> int:
    words = [sys.executable, "-c", COUNT.format(before=before)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def test_prefect_reads_them_for_each_schedule() -> None:
    """Once this fails, Prefect has learned it and ours can go."""
    assert listed("") >= 3


def test_prefect_reads_them_once() -> None:
    assert listed("from appliance import time_zones; time_zones.remember()") == 0


def test_what_is_remembered_is_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    there = zoneinfo.available_timezones()
    monkeypatch.setattr(zoneinfo, "available_timezones", zoneinfo.available_timezones)
    time_zones.remember()
    first = zoneinfo.available_timezones()
    assert first == there
    first.clear()
    assert zoneinfo.available_timezones() == there
