"""Ask for work when there is some, and not only when Prefect's worker has slept long enough.

Two things wake it: the server's event stream, which tells of every run that is scheduled in the
work pool, and the end of a run of our own where the worker was full. What follows is the worker's
ordinary question, so nothing can be taken that it would not have taken a moment later. Its own
rounds go on beside it: they are what is left when the stream is away, and what finds the runs that
nobody announces, such as those of a pool that was paused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventResourceFilter,
)
from prefect.events.schemas.events import Event, ResourceSpecification

from appliance.log import say

RUN_PREFIX = "prefect.flow-run."
# A run is announced before the transaction that makes it has ended, and Postgres shows it only
# afterwards. One that cannot be had within the last of these seconds after its announcement is due
# later, or another worker has taken it.
TRIES_SECONDS = (0.0, 0.1, 0.4, 1.2)
# With hundreds of runs in the queue an answer holds two hundred of them, at some cost for both
# sides: what we add to the worker's own rounds takes no more than this part of the time.
SHARE = 0.1
# Between two questions at least. A burst of announcements becomes one.
GAP_SECONDS = 0.1
RECONNECT_SECONDS = (1.0, 30.0)
# Within the worker's own time to end; see `appliance.worker.drain`.
GOODBYE_SECONDS = 0.2


class Pace:
    """Decides when to ask. Times are readings of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        # How many tries each announced run has had, and when it was announced.
        self._announced: dict[str, tuple[int, float]] = {}
        self._look_since: float | None = None
        self._not_before = 0.0

    def announce(self, run: str, now: float) -> None:
        """Take note that a run is there to be taken."""
        self._announced.setdefault(run, (0, now))

    def look(self, now: float) -> None:
        """Take note that there may be something to take, whatever it is."""
        self._look_since = now

    def forget(self) -> None:
        """Take note that the worker can take nothing now; it tells when it can again."""
        self._announced.clear()
        self._look_since = None

    def due(self) -> float | None:
        """Return when to ask; None while there is no reason to."""
        reasons = [since + TRIES_SECONDS[tries] for tries, since in self._announced.values()]
        if self._look_since is not None:
            reasons.append(self._look_since)
        return max(self._not_before, min(reasons)) if reasons else None

    def answered(self, began: float, ended: float, runs: Collection[str]) -> None:
        """Take note of an answer, whoever has asked.

        Args:
            began: When the question was asked.
            ended: When the answer was there.
            runs: What was taken.
        """
        self._not_before = ended + max(GAP_SECONDS, (ended - began) / SHARE)
        if self._look_since is not None and self._look_since <= began:
            self._look_since = None
        for run, (tries, since) in tuple(self._announced.items()):
            had = sum(since + seconds <= began for seconds in TRIES_SECONDS)
            if run in runs or had == len(TRIES_SECONDS):
                del self._announced[run]
            else:
                self._announced[run] = (max(tries, had), since)


class Asking(Protocol):
    """As much of a worker as can be woken."""

    @property
    def has_room(self) -> bool:
        """Whether it could take a run."""

    async def get_and_submit_flow_runs(self) -> object:
        """Ask for work, and report it by `Waking.answered`, with or without success."""


class Waking:
    """What wakes a worker; it reports here what it does.

    Args:
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace()
        self._news = asyncio.Event()

    def announce(self, run: str) -> None:
        """A run is there to be taken."""
        self._pace.announce(run, self._clock())
        self._news.set()

    def look(self) -> None:
        """There may be something to take; the worker was full and is not any more, for one."""
        self._pace.look(self._clock())
        self._news.set()

    def answered(self, began: float, runs: Collection[str]) -> None:
        """The worker has asked; see `Pace.answered`."""
        self._pace.answered(began, self._clock(), runs)

    async def wake(self, worker: Asking) -> None:
        """Let a worker ask whenever it should, until cancelled.

        Raises:
            Exception: What the worker's question raises.
        """
        while True:
            await self._reason()
            if not worker.has_room:
                self._pace.forget()
                continue
            await worker.get_and_submit_flow_runs()

    async def _reason(self) -> None:
        """Return when it is time to ask."""
        while (due := self._pace.due()) is None or due > self._clock():
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - self._clock()):
                    await self._news.wait()

    async def listen(self, announced: AsyncIterator[str | None]) -> None:
        """Pass announcements on for as long as there are any; see `announced_runs`."""
        async for run in announced:
            if run is None:
                self.look()
            else:
                self.announce(run)


async def announced_runs(
    work_pool: str, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> AsyncIterator[str | None]:
    """Yield the ids of flow runs as they are scheduled in a work pool, for ever.

    While the stream is away it tries again after a pause that grows. Each connection begins with
    None: whatever was scheduled before has not been told. What Prefect repeats of the last minute
    lacks the last seconds, which its server has not written down yet. (Prefect 3.8.8)

    Args:
        work_pool: The name of the pool.
        sleep: Waits so many seconds.
    """
    shortest, longest = RECONNECT_SECONDS
    pause = shortest
    while True:
        with suppress(Exception):
            # Whatever server, proxy or TLS have to say: the worker's own rounds go on, and say so
            # when it is the whole server that is away.
            async with _connected(_scheduled_in(work_pool)) as events:
                pause = shortest
                yield None
                async for event in events:
                    yield event.resource.id.removeprefix(RUN_PREFIX)
        await sleep(pause)
        pause = min(longest, 2 * pause)


@asynccontextmanager
async def _connected(wanted: EventFilter) -> AsyncIterator[AsyncIterator[Event]]:
    """Subscribe to events; when nobody answers our goodbye, leave without."""
    # Reconnecting is ours: Prefect's gives up after some tries, with a second between two.
    subscriber = get_events_subscriber(wanted, reconnection_attempts=0)
    events = await subscriber.__aenter__()
    try:
        yield events
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await subscriber.__aexit__(None, None, None)


def _scheduled_in(work_pool: str) -> EventFilter:
    """Return the filter of events that tell of new work.

    By their type, so that runs that were resumed, retried or rescheduled are among them. Of a run
    that is late, the worker has been told before. The pool goes by its name, which stays when it
    is made anew; `related` would be the place for it, but the stream passes over that.
    (`prefect.server.events.filters`, Prefect 3.8.8)
    """
    pool = {"prefect.resource.role": "work-pool", "prefect.resource.name": work_pool}
    return EventFilter(
        event=EventNameFilter(exclude_name=[f"{RUN_PREFIX}Late"]),
        resource=EventResourceFilter(
            id_prefix=[RUN_PREFIX],
            labels=ResourceSpecification({"prefect.state-type": "SCHEDULED"}),
        ),
        any_resource=EventAnyResourceFilter(labels=ResourceSpecification(dict(pool))),
    )


async def keep_waking(worker: Asking, waking: Waking, announced: AsyncIterator[str | None]) -> None:
    """Wake a worker until cancelled; should that fail, say so and leave it to its own rounds."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(waking.listen(announced))
            tasks.create_task(waking.wake(worker))
    except* Exception as errors:  # noqa: BLE001 - to be woken is a convenience
        reason = repr(errors.exceptions[0])
        say(f"nothing wakes the worker any more, but its own rounds: {reason}", "WARNING")
