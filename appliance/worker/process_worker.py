"""Prefect's process worker, with two doors of its own: one to close, one to look through.

Both are public methods of Prefect's worker: `get_and_submit_flow_runs` asks for work, `run` does
it. Nothing of what happens in them is changed.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from appliance.worker.ledger import Ledger


class DrainableProcessWorker(ProcessWorker, abc.ABC):
    """A process worker that can stop taking runs, and knows the processes of those it has.

    `ABC` among its bases keeps Prefect from registering it in place of its own process worker.

    Attributes:
        accepts_runs: Turn it off, and the worker asks for no more work.
        processes: The process id of each flow run that is being executed; 0 until it has one.
    """

    accepts_runs: bool = True

    def __init__(self, ledger: Ledger, is_open: Callable[[], bool], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._ledger = ledger
        self._is_open = is_open
        self._has_asked = False
        self.processes: dict[UUID, int] = {}

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Ask for work, unless we are stopping or an operator wants none to be taken."""
        if not self._takes_runs():
            return []
        submitted = await super().get_and_submit_flow_runs()
        self._has_asked = True
        return submitted

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        """Tell whether it asks for work; not to ask while none is wanted is no hang."""
        if not self._takes_runs():
            return True
        return self._has_asked and super().is_worker_still_polling(query_interval_seconds)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """Execute a flow run, and keep it in the ledger for as long as it has a process."""
        noting = _NotingStatus(task_status or anyio.TASK_STATUS_IGNORED, self, flow_run.id)
        noting.note(0)
        try:
            result = await super().run(flow_run, configuration, noting)
            # Only here has the end been recorded; after a cancellation a sweep sees to it. Struck
            # before it is forgotten, or a sweep could take it for a run that is nobody's.
            self._ledger.strike(flow_run.id)
        finally:
            self.processes.pop(flow_run.id, None)
        return result

    def _takes_runs(self) -> bool:
        return self.accepts_runs and self._is_open()

    def note_process(self, flow_run_id: UUID, pid: int) -> None:
        """Remember the process of a run, here and on disk."""
        self.processes[flow_run_id] = pid
        self._ledger.note(flow_run_id, pid)


class _NotingStatus(anyio.abc.TaskStatus[int]):
    """Passes the process id on to whoever waits for it, and notes it first."""

    def __init__(
        self, outer: anyio.abc.TaskStatus[int], worker: DrainableProcessWorker, flow_run_id: UUID
    ) -> None:
        self._outer = outer
        self._worker = worker
        self._flow_run_id = flow_run_id

    def note(self, pid: int) -> None:
        self._worker.note_process(self._flow_run_id, pid)

    def started(self, value: int | None = None) -> None:
        self.note(value or 0)
        self._outer.started(value or 0)
