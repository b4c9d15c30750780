"""When a job is due: a pure decision on a wall clock that may jump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cronsim import CronSim


@dataclass(frozen=True)
class Job:
    """Something that is done at its hour.

    Attributes:
        name: The name of its outcome.
        cron: When, in five fields; None for never.
        command: What runs: the words of a command line.
        limit: Seconds after which it is taken for hung and stopped.
    """

    name: str
    cron: str | None
    command: tuple[str, ...]
    limit: float


def is_due(cron: str, since: datetime, now: datetime) -> bool:
    """Tell whether a moment of the schedule lies between the last look and this one.

    With a look every few seconds a clock that is set back costs nothing but a second backup, and
    one that is set forward loses none.

    Args:
        cron: Five fields, checked by the settings.
        since: The last look, or the last time the job began.
        now: This look, in the time zone that the schedule is meant in.
    """
    return since < now and next(CronSim(cron, since)) <= now


def first_due(jobs: Sequence[Job], since: Mapping[str, datetime], now: datetime) -> Job | None:
    """Return the job to begin with, of those that are due; None when none is."""
    return next(
        (job for job in jobs if job.cron is not None and is_due(job.cron, since[job.name], now)),
        None,
    )
