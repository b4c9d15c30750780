"""Prefect's process worker, with two doors of its own: one to close, one to look through.

Both are public methods of Prefect's worker: `get_and_submit_flow_runs` asks for work, `run` does
it. Between the two, what there is to take is put in a fair order; see `appliance.worker.fairness`.
Two other things that happen in them are changed. A server that is away: Prefect's worker gives up
after some minutes, and its flow runs would die with it; this one asks on for ever. A run that a
stop cuts short: Prefect's worker and its executor each report a crash of their own making, with a
hint at the memory of the machine; here its end is for the stop to record. The same goes for a run
that was stopped at its limit: its launcher ends by 0 then, and Prefect has nothing to report.

What is seen at the doors is told to what wakes the worker; see `appliance.worker.waking`.
"""

from __future__ import annotations

import abc
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import anyio
import anyio.abc
import httpx
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.types import KeyValueLabels
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from appliance.errors import ZoeError
from appliance.log import say
from appliance.worker import mark
from appliance.worker.backlog import Backlog
from appliance.worker.crashed_hooks import run_crashed_hooks
from appliance.worker.fairness import Waiting, fairly
from appliance.worker.ledger import Ledger
from appliance.worker.waking import Waking
from appliance.worker.warm import protocol
from appliance.worker.warm.command import has_limits

# A question without an answer is asked anew, whatever Prefect's client would do: that one waits
# longer after each failure, and would take no run for minutes after the server is back.
ANSWER_SECONDS = 20.0
# Of a worker that has not asked for so long something hangs.
HANG_SECONDS = 60.0

T = TypeVar("T")


class DrainableProcessWorker(ProcessWorker, abc.ABC):
    """A process worker that can stop taking runs, and knows the processes of those it has.

    `ABC` among its bases keeps Prefect from registering it in place of its own process worker.

    Attributes:
        accepts_runs: Turn it off, and the worker asks for no more work.
        processes: The process id of each flow run that is being executed; 0 until it has one.
        runs_changed: Set after a run was taken, or has ended; whoever waits for it clears it.
        record: From the moment it is there, runs are being cut short: it puts their end on record,
            in a thread, and nothing else does.
        settle_stopped: Puts the end of a run that was stopped at its limit on record, in a thread:
            its id, the reason.
        waking: Told when the worker has asked for work, and when it could take more again.
        marked: The runs that were marked on the server as they were taken; whoever looks after
            their marks takes them out.
    """

    accepts_runs: bool = True

    def __init__(self, ledger: Ledger, is_open: Callable[[], bool], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._ledger = ledger
        self._is_open = is_open
        self._has_limit = arguments.get("limit") is not None
        self._asking = asyncio.Lock()
        self._has_asked = False
        self._last_tried = 0.0
        self._server_answers = True
        self.processes: dict[UUID, int] = {}
        self.runs_changed = asyncio.Event()
        self.record: Callable[[str], object] | None = None
        self.settle_stopped: Callable[[str, str], object] | None = None
        self._attended: dict[UUID, anyio.CancelScope] = {}
        self.waking = Waking()
        self._pool = arguments["work_pool_name"]
        self._backlog = Backlog(self._scheduled, self._filtered)
        # Of the runs that have a slot, and perhaps of some that had one.
        self._deployments: dict[UUID, UUID | None] = {}
        self.marked: set[str] = set()

    async def setup(self) -> None:
        """Make ready, and see to it that a run is marked by the same request that labels it.

        Prefect's worker gives labels to each run right before it executes it.
        """
        await super().setup()
        give = self.client.update_flow_run_labels

        async def give_mark_as_well(flow_run_id: UUID, labels: KeyValueLabels) -> None:
            await give(flow_run_id, {**labels, **mark.labels(self._ledger.identity, labels)})
            self.marked.add(str(flow_run_id))

        self.client.update_flow_run_labels = give_mark_as_well  # type: ignore[method-assign]

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        """Leave out the state "Submitting": a process is there within a few milliseconds.

        Each state costs the server as much as three other requests. (Prefect 3.8.8; its own hook)
        """

    @property
    def has_room(self) -> bool:
        """Whether it could take a run more; not before it has begun, nor after its end."""
        if not self._has_limit:
            return self.is_setup
        return self.is_setup and self.limiter.available_tokens > 0

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Ask for work, unless we are stopping or an operator wants none to be taken.

        One question at a time: the answer to an older one may hold a run that was taken meanwhile.
        """
        async with self._asking:
            began = time.monotonic()
            submitted: list[FlowRun] = []
            try:
                submitted = await self._ask_for_work()
            finally:
                self.waking.answered(began, {str(run.id) for run in submitted})
            return submitted

    async def _ask_for_work(self) -> list[FlowRun]:
        if not self._takes_runs():
            return []
        submitted = await self._ask(super().get_and_submit_flow_runs)
        self._last_tried = time.monotonic()
        if submitted is None:
            return []
        self._has_asked = True
        return submitted

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        """Ask for what there is to take, and now and then for what stands behind it.

        Prefect's own hook, as is the next one.
        """
        others = await self._backlog.others() if self._has_limit and self.has_room else []
        answer = await super()._get_scheduled_flow_runs()
        self._backlog.answered(answer)
        known = {one.flow_run.id for one in answer}
        return [*answer, *(one for one in others if one.flow_run.id not in known)]

    async def _submit_scheduled_flow_runs(
        self, flow_run_response: list[WorkerFlowRunResponse]
    ) -> list[FlowRun]:
        """Take them in a fair order; without a limit all of them are taken.

        What has a slot already is left out: Prefect's worker would raise at a run whose submission
        has ended since the question was put. (anyio, `CapacityLimiter`)
        """
        if not self._takes_runs():
            return []
        if not self._has_limit:
            return await super()._submit_scheduled_flow_runs(flow_run_response)
        slots = set(self.limiter.statistics().borrowers)
        self._deployments = {run: of for run, of in self._deployments.items() if run in slots}
        now = datetime.now(UTC)
        waiting = [
            Waiting(
                one, (one.work_queue_id, _is_due(one.flow_run, now)), one.flow_run.deployment_id
            )
            for one in flow_run_response
            if one.flow_run.id not in slots
        ]
        order = fairly(waiting, self._deployments.values())
        submitted = await super()._submit_scheduled_flow_runs(order)
        self._deployments |= {run.id: run.deployment_id for run in submitted}
        return submitted

    async def _scheduled(self, body: dict[str, Any]) -> Any:
        path = {"name": self._pool}
        response = await self.client.request(
            "POST", "/work_pools/{name}/get_scheduled_flow_runs", path_params=path, json=body
        )
        return response.json()

    async def _filtered(self, body: dict[str, Any]) -> Any:
        return (await self.client.request("POST", "/flow_runs/filter", json=body)).json()

    async def sync_with_backend(self) -> None:
        """Tell the server that we are there, and learn about the work pool."""
        await self._ask(super().sync_with_backend)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Return the server's answer; None when it is away."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await question()
        except (TimeoutError, httpx.TransportError) as error:
            self._note_answer(str(error) or type(error).__name__)
            return None
        except httpx.HTTPStatusError as error:
            if error.response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            self._note_answer(f"HTTP {error.response.status_code}")
            return None
        self._note_answer("")
        return answer

    def _note_answer(self, failure: str) -> None:
        if failure and self._server_answers:
            say(f"the server is away ({failure}); what runs here goes on", "WARNING")
        elif not failure and not self._server_answers:
            say("the server is back")
        self._server_answers = not failure

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        """Tell whether it asks for work.

        Not to ask while none is wanted is no hang, nor is to ask a server that is away.
        """
        if not self._takes_runs():
            return True
        patience = max(HANG_SECONDS, 2 * query_interval_seconds)
        return self._has_asked and time.monotonic() - self._last_tried < patience

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """Execute a flow run, and keep it in the ledger for as long as it has a process."""
        noting = _NotingStatus(task_status or anyio.TASK_STATUS_IGNORED, self, flow_run.id)
        noting.note(0)
        self.runs_changed.set()
        is_limited = has_limits(configuration.command)
        if is_limited:
            verdict_file = str(self._ledger.verdict_file(flow_run.id))
            configuration.env = {**configuration.env, protocol.VERDICT: verdict_file}
        try:
            result = await self._execute(flow_run, configuration, noting)
            reason = self._ledger.verdict(flow_run.id) if is_limited else None
            if reason is not None:
                if await self._settle(flow_run, reason):
                    self._ledger.strike(flow_run.id)
                return ProcessWorkerResult(status_code=0, identifier=result.identifier)
            if self.record is not None:
                await asyncio.to_thread(self.record, str(flow_run.id))
                if task_status is not None and not self.processes[flow_run.id]:
                    # Prefect would complain that it has never heard of a process.
                    task_status.started(0)
                # Any other code, and Prefect reports a crash over what was recorded.
                return ProcessWorkerResult(status_code=0, identifier=result.identifier)
            # Only here has the end been recorded; after a cancellation a sweep sees to it. Struck
            # before it is forgotten, or a sweep could take it for a run that is nobody's.
            self._ledger.strike(flow_run.id)
        finally:
            self.processes.pop(flow_run.id, None)
            self.runs_changed.set()
            if not self.has_room:
                # Prefect gives the slot back as soon as we return.
                self.waking.look()
        return result

    async def _execute(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int],
    ) -> ProcessWorkerResult:
        """Leave it to Prefect, until `abandon`."""
        result = ProcessWorkerResult(status_code=0, identifier="")
        if self.record is not None:
            return result
        try:
            with anyio.CancelScope() as self._attended[flow_run.id]:
                result = await super().run(flow_run, configuration, task_status)
        except Exception:
            # Of a run that is being cut short this is its end as good as any.
            if self.record is None:
                raise
        finally:
            self._attended.pop(flow_run.id, None)
        return result

    async def _settle(self, flow_run: FlowRun, reason: str) -> bool:
        """Record that a run was stopped at its limit; tell whether it is done.

        Otherwise it is for a sweep to do.
        """
        self.get_flow_run_logger(flow_run).error(reason)
        if self.settle_stopped is None:
            return False
        try:
            before = await self.client.read_flow_run(flow_run.id)
            await asyncio.to_thread(self.settle_stopped, str(flow_run.id), reason)
        except (ZoeError, httpx.HTTPError) as error:
            say(f"the end of flow run {flow_run.id} is for later: {error}", "WARNING")
            return False
        # Whatever keeps a flow from being loaded within its limits must not be loaded here.
        if before.state is not None and not before.state.is_pending() and self.record is None:
            await run_crashed_hooks(self.client, flow_run.id)
        return True

    def abandon(self, flow_runs: Iterable[UUID]) -> None:
        """Let Prefect's worker do and report no more about runs; their processes are killed."""
        for flow_run in flow_runs:
            if flow_run in self._attended:
                self._attended[flow_run].cancel()

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


def _is_due(run: FlowRun, now: datetime) -> bool:
    """Tell whether a run is to begin at once; the server answers some before their time, too."""
    return run.next_scheduled_start_time is None or run.next_scheduled_start_time <= now
