"""How a worker ends: no new runs, time for those that it has, and a record of the rest.

The arithmetic, within what `appliance.supervisor.programs` gives the worker to stop:

    patience + TERMINATE_SECONDS + SETTLE_SECONDS + EXIT_SECONDS = stop_seconds

Whoever is killed before the last end is on record has it in the ledger, and the next start settles
it. A run leaves the ledger when its end is recorded and not before.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from appliance.errors import ZoeError
from appliance.log import say
from appliance.worker.ledger import start_ticks
from appliance.worker.process_worker import DrainableProcessWorker

# Between SIGTERM and SIGKILL of a flow's process: its engine reports the end; the worker runs the
# hooks of one that is gone.
TERMINATE_SECONDS = 1.0
# To put the state of the runs that were cut short on record.
SETTLE_SECONDS = 0.5
# Of which a report is waited for that Prefect's worker may just be making. Were it cut off, the
# server could come to it after ours.
REPORT_SECONDS = 0.2
# For Prefect's worker to take its leave from the server, and for the interpreter to end.
EXIT_SECONDS = 0.7
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Drain:
    """What a drain needs to know.

    Attributes:
        stop_seconds: All that the worker has before it is killed.
        settle: Records the end of a run, and strikes it from the ledger: its id, the reason.
    """

    stop_seconds: float
    settle: Callable[[str, str], object]

    @property
    def patience(self) -> float:
        """How many seconds running flows have to end by themselves."""
        taken = TERMINATE_SECONDS + SETTLE_SECONDS + EXIT_SECONDS
        return max(0.0, self.stop_seconds - taken)

    async def run(self, worker: DrainableProcessWorker) -> None:
        """Drain the worker; it is of no use afterwards."""
        worker.accepts_runs = False
        if worker.processes:
            say(f"draining: {len(worker.processes)} flow runs have {self.patience:g} s to end")
        await _until(lambda: not worker.processes, self.patience)
        if not worker.processes:
            return
        cut_short = len(worker.processes)
        say(f"draining: stopping {cut_short} flow runs that are still going on", "WARNING")
        reason = (
            "Zoe was stopped while the run was going on; it did not end within "
            f"{self.patience:g} s. ZOE_STOP_GRACE gives runs more time."
        )
        worker.record = partial(self._record, reason=reason)
        _signal(worker.processes.values(), signal.SIGTERM)
        await _until(lambda: not worker.processes, TERMINATE_SECONDS)
        # Before they are killed: nobody has anything to say about those afterwards but us.
        worker.abandon([run for run, pid in worker.processes.items() if start_ticks(pid)])
        _signal(worker.processes.values(), signal.SIGKILL)
        await _until(lambda: not worker.processes, REPORT_SECONDS)
        # What is left has hooks that take long, or had no process yet.
        worker.abandon(worker.processes)
        await _until(lambda: not worker.processes, math.inf)

    def _record(self, flow_run_id: str, reason: str) -> None:
        try:
            self.settle(flow_run_id, reason)
        except ZoeError as error:
            say(f"the end of flow run {flow_run_id} is for the next start: {error}", "WARNING")


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - a dict of Prefect's pace
        await asyncio.sleep(POLL_SECONDS)


def _signal(processes: Collection[int], number: signal.Signals) -> None:
    for pid in list(processes):
        if pid:
            # It may have ended by itself just now.
            with suppress(ProcessLookupError):
                os.kill(pid, number)
