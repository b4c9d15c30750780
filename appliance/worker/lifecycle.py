"""The life of a worker process: work, show life and sweep until SIGTERM, then drain."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NoReturn

from prefect.settings import PREFECT_WORKER_QUERY_SECONDS

from appliance.errors import ZoeError
from appliance.log import say
from appliance.worker.attendance import Attendance
from appliance.worker.drain import Drain
from appliance.worker.process_worker import DrainableProcessWorker
from appliance.worker.waking import keep_waking

BEAT_SECONDS = 3.0
SWEEP_SECONDS = 5.0
# After the server was found to be away, or a duty failed.
RETRY_SECONDS = 2.0
# So many failures to show runs alive, one after the other, end the worker. No file or thread to be
# had, say, may pass; but the runs count as lost after a minute or more.
TRIES = 10

# Told how to find out which runs are the worker's own.
Sweep = Callable[[Callable[[], Iterable[str]]], object]


async def work(
    worker: DrainableProcessWorker,
    beat: Callable[[], None],
    drain: Drain,
    sweep: Sweep,
    attendance: Attendance,
    announced: AsyncIterator[str | None],
) -> None:
    """Run the worker until SIGTERM or SIGINT, then drain it.

    Args:
        worker: The worker.
        beat: Notes that we are alive.
        drain: How to end.
        sweep: Settles the runs of this machine that are nobody's.
        attendance: Shows the server that the runs of this machine are alive.
        announced: The runs that may be there to be taken, as `waking.announced_runs` tells them.

    Raises:
        Exception: What keeps the worker from showing that its runs are alive. It has drained by
            then, for they would count as lost while they go on.
    """
    working = asyncio.create_task(worker.start(printer=say))
    asked_to_stop = asyncio.Event()
    attending = asyncio.create_task(
        _for_ever("to show its runs alive", _attending(worker, attendance), TRIES)
    )
    helping = [
        asyncio.create_task(_for_ever("to show itself alive", _beating(worker, beat))),
        asyncio.create_task(_for_ever("to settle lost runs", _sweeping(worker, sweep))),
        attending,
        asyncio.create_task(keep_waking(worker, worker.waking, announced)),
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    stopping = asyncio.create_task(asked_to_stop.wait())
    try:
        await asyncio.wait({working, stopping, attending}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await drain.run(worker)
            working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    finally:
        for task in (*helping, stopping):
            task.cancel()
    if attending.done():
        attending.result()
    say(f"worker {worker.name} has stopped")


async def _for_ever(
    duty: str, step: Callable[[], Awaitable[None]], tries: float = math.inf
) -> NoReturn:
    """Take one step after the other; say what fails, and raise it after so many tries in a row."""
    failures = 0
    while True:
        try:
            await step()
        except Exception as error:
            failures += 1
            if failures >= tries:
                raise
            say(f"the worker failed {duty}: {error!r}", "WARNING")
            await asyncio.sleep(RETRY_SECONDS)
        else:
            failures = 0


def _sweeping(worker: DrainableProcessWorker, sweep: Sweep) -> Callable[[], Awaitable[None]]:
    async def step() -> None:
        await asyncio.sleep(SWEEP_SECONDS)
        # The server is away, or not ours; what is left stays in the ledger.
        with suppress(ZoeError):
            await asyncio.to_thread(sweep, lambda: _runs_of(worker))

    return step


def _attending(
    worker: DrainableProcessWorker, attendance: Attendance
) -> Callable[[], Awaitable[None]]:
    """Show a new run at once, unless it was marked as it was taken; every run from time to time."""
    clock = asyncio.get_running_loop().time
    next_round = clock()

    async def step() -> None:
        nonlocal next_round
        worker.runs_changed.clear()
        everyone = clock() >= next_round
        marked, worker.marked = worker.marked, set()
        try:
            await asyncio.to_thread(
                attendance.show, _runs_of(worker), everyone=everyone, marked=marked
            )
        except ZoeError:
            await asyncio.sleep(RETRY_SECONDS)
            return
        if everyone:
            next_round = clock() + attendance.interval
        with suppress(TimeoutError):
            async with asyncio.timeout_at(next_round):
                await worker.runs_changed.wait()

    return step


def _beating(
    worker: DrainableProcessWorker, beat: Callable[[], None]
) -> Callable[[], Awaitable[None]]:
    async def step() -> None:
        if worker.is_worker_still_polling(PREFECT_WORKER_QUERY_SECONDS.value()):
            beat()
        await asyncio.sleep(BEAT_SECONDS)

    return step


def _runs_of(worker: DrainableProcessWorker) -> list[str]:
    return [str(run) for run in list(worker.processes)]
