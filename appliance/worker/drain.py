"""How a worker ends: no new runs, time for those that it has, and a record of the rest.

The arithmetic, within what `appliance.supervisor.programs` gives the worker to stop:

    patience + TERMINATE_SECONDS + SETTLE_SECONDS + EXIT_SECONDS = stop_seconds

Should all of that not be enough, the ledger still has the runs, and the next start settles them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from appliance.errors import ZoeError
from appliance.log import say
from appliance.worker.process_worker import DrainableProcessWorker
from appliance.worker.settling import UNSETTLED_IF_OURS

# Between SIGTERM and SIGKILL of a flow's process: its engine reports the end and runs its hooks.
TERMINATE_SECONDS = 1.0
# To put the state of the runs that were cut short on record.
SETTLE_SECONDS = 0.5
# For Prefect's worker to take its leave from the server, and for the interpreter to end.
EXIT_SECONDS = 0.7
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Drain:
    """What a drain needs to know.

    Attributes:
        stop_seconds: All that the worker has before it is killed.
        settle: Records the end of a run: its id, the reason, the states that count as unsettled.
    """

    stop_seconds: float
    settle: Callable[[str, str, frozenset[str]], object]

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
        cut_short = list(worker.processes)
        if not cut_short:
            return
        say(f"draining: stopping {len(cut_short)} flow runs that are still going on", "WARNING")
        _signal(worker.processes.values(), signal.SIGTERM)
        await _until(lambda: not worker.processes, TERMINATE_SECONDS)
        _signal(worker.processes.values(), signal.SIGKILL)
        reason = (
            "Zoe was stopped while the run was going on; it did not end within "
            f"{self.patience:g} s. ZOE_STOP_GRACE gives runs more time."
        )
        await asyncio.gather(*(self._settle(str(run), reason) for run in cut_short))

    async def _settle(self, flow_run_id: str, reason: str) -> None:
        try:
            await asyncio.to_thread(self.settle, flow_run_id, reason, UNSETTLED_IF_OURS)
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
