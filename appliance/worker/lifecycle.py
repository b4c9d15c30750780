"""The life of a worker process: work, beat and sweep until SIGTERM, then drain."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress

from prefect.settings import PREFECT_WORKER_QUERY_SECONDS

from appliance.errors import WorldError
from appliance.log import say
from appliance.worker.drain import Drain
from appliance.worker.process_worker import DrainableProcessWorker

BEAT_SECONDS = 3.0
SWEEP_SECONDS = 5.0

# Told how to find out which runs are the worker's own.
Sweep = Callable[[Callable[[], Iterable[str]]], object]


async def work(
    worker: DrainableProcessWorker,
    beat: Callable[[], None],
    drain: Drain,
    sweep: Sweep,
) -> None:
    """Run the worker until SIGTERM or SIGINT, then drain it.

    Args:
        worker: The worker.
        beat: Notes that we are alive.
        drain: How to end.
        sweep: Settles the runs of this machine that are nobody's.
    """
    working = asyncio.create_task(worker.start(printer=say))
    asked_to_stop = asyncio.Event()
    helping = [
        asyncio.create_task(_beat_while_polling(worker, beat)),
        asyncio.create_task(_sweep_from_time_to_time(worker, sweep)),
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    stopping = asyncio.create_task(asked_to_stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await drain.run(worker)
            working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    finally:
        for task in (*helping, stopping):
            task.cancel()
    say(f"worker {worker.name} has stopped")


async def _sweep_from_time_to_time(worker: DrainableProcessWorker, sweep: Sweep) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await asyncio.to_thread(sweep, lambda: [str(run) for run in list(worker.processes)])
        except WorldError:
            # The server is away; what is left stays in the ledger.
            continue


async def _beat_while_polling(worker: DrainableProcessWorker, beat: Callable[[], None]) -> None:
    while True:
        if worker.is_worker_still_polling(PREFECT_WORKER_QUERY_SECONDS.value()):
            beat()
        await asyncio.sleep(BEAT_SECONDS)
