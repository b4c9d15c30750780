from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from appliance.maintenance.schedule import Job, first_due, is_due

ZONE = timezone(timedelta(hours=2))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("since", "now", "due"),
    [
        ("2026-01-01T02:59:58", "2026-01-01T02:59:59", False),
        ("2026-01-01T02:59:59", "2026-01-01T03:00:01", True),
        ("2026-01-01T03:00:01", "2026-01-01T03:00:03", False),
        # Nobody was there for three days.
        ("2026-01-01T12:00:00", "2026-01-04T12:00:00", True),
        # The clock was set back, before the hour and to the time before it.
        ("2026-01-01T03:30:00", "2026-01-01T02:30:00", False),
    ],
)
def test_due(since: str, now: str, due: bool) -> None:
    assert is_due("0 3 * * *", at(since), at(now)) is due


def test_the_first_of_those_that_are_due() -> None:
    jobs = [
        Job("never", None, (), 1.0),
        Job("later", "0 5 * * *", (), 1.0),
        Job("now", "0 3 * * *", (), 1.0),
        Job("too", "0 3 * * *", (), 1.0),
    ]
    since = {job.name: at("2026-01-01T02:00:00") for job in jobs}
    found = first_due(jobs, since, at("2026-01-01T03:00:05"))
    assert found
    assert found.name == "now"
    assert first_due(jobs, since, at("2026-01-01T02:00:05")) is None
