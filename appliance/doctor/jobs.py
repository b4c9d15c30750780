"""Backups, drills and other jobs: how the last one ended, and whether one is overdue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cronsim import CronSim

from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.patient import Patient
from appliance.doctor.words import HOUR, duration
from appliance.layout import Layout
from appliance.maintenance import outcome
from appliance.maintenance.outcome import Outcome
from appliance.settings import Component

GRACE_SECONDS = HOUR


def look(patient: Patient) -> Iterator[Finding]:
    """Look at all of them, on the machine that has them."""
    if not patient.has(Component.SERVER):
        return
    settings, layout = patient.settings, patient.layout
    born = _born(layout)
    schedules = {"backup": settings.backup_schedule, "drill": settings.drill_schedule}
    latest = outcome.latest(layout, patient.runtime)
    for job, cron in schedules.items():
        yield judge(job, cron, latest.get(job), born, patient.now)
    for last in latest.values():
        if last.job not in schedules and not last.ok:
            yield _failed(last, patient.now, "zoe logs maintenance")


def judge(job: str, cron: str | None, last: Outcome | None, born: float, now: float) -> Finding:
    """Judge one job.

    Args:
        job: `backup` or `drill`.
        cron: Its schedule; None where it is off.
        last: How it ended the last time; None when it has never run.
        born: Since when there is data, in seconds since the epoch.
        now: The wall clock.
    """
    by_hand = "zoe backup create" if job == "backup" else "zoe logs maintenance"
    if last and not last.ok:
        return _failed(last, now, by_hand)
    if cron is None:
        variable = f"ZOE_{job.upper()}_SCHEDULE"
        if last:
            return well(job, f"the last was {_ago(last, now)}; {variable} is off")
        return warning(
            job, f"{variable} is off, and there has never been one", f"set {variable}; {by_hand}"
        )
    since = last.began if last else born
    if overdue(cron, since, now):
        what = f"the last {job} was {_ago(last, now)}" if last else f"there has never been a {job}"
        return problem(
            job,
            f"{what}, and the schedule '{cron}' has passed twice since",
            f"see that the program maintenance is running: zoe status; {by_hand}",
        )
    if last:
        return well(job, f"the last was {_ago(last, now)}: {last.line or 'it went well'}")
    due = next(CronSim(cron, _local(now)))
    return well(job, f"none yet; the first is due {due:%Y-%m-%d %H:%M}")


def _failed(last: Outcome, now: float, by_hand: str) -> Finding:
    return problem(
        last.job,
        f"the last {last.job} failed {_ago(last, now)}: {last.line}",
        f"mend that; then, or to see more: {by_hand}",
    )


def overdue(cron: str, since: float, now: float) -> bool:
    """Tell whether two moments of a schedule have gone by, with an hour for the job itself.

    One that was missed is made good when Zoe starts again, so that one moment tells nothing.
    """
    moments = CronSim(cron, _local(since))
    next(moments)
    return next(moments).timestamp() + GRACE_SECONDS < now


def _ago(last: Outcome, now: float) -> str:
    return f"{duration(max(0.0, now - last.ended))} ago"


def _local(moment: float) -> datetime:
    """Return a moment in the machine's own zone, in which schedules are meant."""
    return datetime.fromtimestamp(moment, UTC).astimezone()


def _born(layout: Layout) -> float:
    """Return since when there is data: when the first secret was made; now where that is unknown.

    Both are made once, at the first start, unless they are given.
    """
    made = [path for path in (layout.encryption_key, layout.admin_password) if path.exists()]
    if not made:
        return datetime.now(UTC).timestamp()
    return min(path.stat().st_mtime for path in made)
