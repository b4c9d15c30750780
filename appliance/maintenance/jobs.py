"""The jobs that there are, and the child process in which one of them runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance import tied
from appliance.maintenance.outcome import Outcome
from appliance.maintenance.record import Record
from appliance.maintenance.schedule import Job, first_due
from appliance.settings import DatabaseEngine, Settings
from appliance.supervisor.programs import PYTHON

# Every night, at an hour when little else is meant to happen; it takes seconds.
SHRINK_CRON = "30 4 * * *"
# A backup of hundreds of gigabytes to a slow bucket takes hours, and a drill has to fetch and load
# it; beyond that, a file system or a server hangs, and whatever else is due waits behind it.
LIMIT_SECONDS = 6 * 3600.0
# It works in steps of less than a second; only a file that must be written anew takes minutes.
SHRINK_LIMIT_SECONDS = 3600.0
# From SIGTERM, on which a backup clears up behind itself, to SIGKILL.
GRACE_SECONDS = 30.0


def planned(settings: Settings) -> tuple[Job, ...]:
    """Return the jobs of a machine with a server, those with a schedule and those without."""
    shrinks = settings.engine is DatabaseEngine.SQLITE
    return (
        Job(
            "backup",
            settings.backup_schedule,
            (*PYTHON, "appliance", "backup", "create"),
            LIMIT_SECONDS,
        ),
        Job("drill", settings.drill_schedule, (*PYTHON, "appliance.backup.drill"), LIMIT_SECONDS),
        Job(
            "shrink",
            SHRINK_CRON if shrinks else None,
            (*PYTHON, "appliance.database.shrink"),
            SHRINK_LIMIT_SECONDS,
        ),
    )


def local_time() -> datetime:
    """Return the time in the machine's own zone, in which schedules are meant."""
    return datetime.now(UTC).astimezone()


@dataclass
class _Running:
    """A job that was begun.

    Attributes:
        job: Which one.
        process: Its child process.
        began: When, in seconds since the epoch.
        before: How it had ended the time before.
        deadline: When it is told to end, and then killed, as a reading of the monotonic clock.
        overdue: Whether it was told.
    """

    job: Job
    process: subprocess.Popen[bytes]
    began: float
    before: Outcome | None
    deadline: float
    overdue: bool = False


class Jobs:
    """Runs one job after the other, each when it is due.

    A job that was missed while nobody was there is made good at the start.

    Args:
        jobs: What there is to do.
        record: Where outcomes are, and those go that a job does not write down itself.
        say: Told what begins and what fails.
        clock: Tells the time, which may jump.
        monotonic: Tells seconds that do not, for limits.
    """

    def __init__(
        self,
        jobs: tuple[Job, ...],
        record: Record,
        say: Callable[..., None],
        clock: Callable[[], datetime] = local_time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._record = record
        self._say = say
        self._clock = clock
        self._monotonic = monotonic
        self._since = {job.name: self._last_begin(job) or clock() for job in jobs}
        self._running: _Running | None = None
        self._cannot_begin: str | None = None

    def step(self) -> None:
        """Begin what is due, or look after what was begun; returns at once."""
        self._record.catch_up()
        if self._running:
            self._look_after(self._running)
            return
        now = self._clock()
        job = first_due(self._jobs, self._since, now)
        if job is None:
            # A clock that was set back takes what we remember with it.
            self._since.update({name: min(now, since) for name, since in self._since.items()})
            return
        self._begin(job, now)

    @property
    def running(self) -> str | None:
        """The name of the job that runs; None while none does."""
        return self._running.job.name if self._running else None

    def _begin(self, job: Job, now: datetime) -> None:
        before = self._record.last(job.name)
        try:
            process = tied.popen(job.command)
        except OSError as error:
            self._tried_in_vain(job, error)
            return
        self._say(f"{job.name} begins")
        self._cannot_begin = None
        self._since[job.name] = now
        self._running = _Running(
            job, process, time.time(), before, deadline=self._monotonic() + job.limit
        )

    def _tried_in_vain(self, job: Job, error: OSError) -> None:
        """It stays due, and is tried at every step; that is said once."""
        if self._cannot_begin == job.name:
            return
        self._cannot_begin = job.name
        # So that it is due after our own restart as well.
        began = self._since[job.name].timestamp()
        self._failed(job, began, f"it cannot be started: {error.strerror or error}")

    def _look_after(self, running: _Running) -> None:
        code = running.process.poll()
        if code is None:
            self._hurry(running)
            return
        self._running = None
        if running.overdue:
            # Whatever it said of its end, this is why.
            self._record.note(self._hung(running))
        elif code and self._record.last(running.job.name) == running.before:
            # It was killed, ended before its work began, or the disk is full.
            bare = f"it ended with signal {-code}" if code < 0 else f"it ended with code {code}"
            line = self._record.parting_word(running.job.name) or bare
            self._failed(running.job, running.began, line)

    def _hurry(self, running: _Running) -> None:
        now = self._monotonic()
        if now < running.deadline:
            return
        if not running.overdue:
            running.overdue = True
            running.deadline = now + GRACE_SECONDS
            running.process.terminate()
            # Already now: what hangs in the kernel does not even end by SIGKILL.
            hung = self._hung(running)
            self._failed(running.job, hung.began, hung.line)
            return
        running.process.kill()

    def _hung(self, running: _Running) -> Outcome:
        line = f"it had not ended after {running.job.limit / 3600:g} h and was stopped"
        return Outcome(running.job.name, running.began, time.time(), ok=False, line=line)

    def _failed(self, job: Job, began: float, line: str) -> None:
        self._say(f"{job.name} failed: {line}", "ERROR")
        self._record.note(Outcome(job.name, began, time.time(), ok=False, line=line))

    def _last_begin(self, job: Job) -> datetime | None:
        last = self._record.last(job.name)
        return datetime.fromtimestamp(last.began, UTC).astimezone() if last else None
