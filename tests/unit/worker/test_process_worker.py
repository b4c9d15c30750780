"""The worker asks on while the server is away, and tells a hang from an absence."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from prefect.workers.process import ProcessWorker, ProcessWorkerResult

from appliance.errors import WorldError
from appliance.worker import mark, process_worker
from appliance.worker.ledger import Ledger
from appliance.worker.process_worker import DrainableProcessWorker
from appliance.worker.warm import protocol

QUERY_SECONDS = 2
A_RUN = SimpleNamespace(id="of-a-run")
CONFIGURATION = SimpleNamespace(command="zoe-flow-run")


class Server:
    """What Prefect's worker finds when it asks: `failure` is raised, or it hangs."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.hangs = False

    async def ask(self, _worker: Any) -> list[Any]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return [A_RUN]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()

    async def ask(worker: Any) -> list[Any]:
        return await server.ask(worker)

    monkeypatch.setattr(ProcessWorker, "get_and_submit_flow_runs", ask)
    monkeypatch.setattr(ProcessWorker, "sync_with_backend", ask)
    return server


@pytest.fixture
def worker(tmp_path: Path, server: Server) -> DrainableProcessWorker:
    del server
    return DrainableProcessWorker(Ledger(tmp_path), lambda: True, work_pool_name="of-a-test")


def http_error(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://z/api")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status))


def ask(worker: DrainableProcessWorker) -> list[Any]:
    async def story() -> list[Any]:
        await worker.sync_with_backend()
        return await worker.get_and_submit_flow_runs()

    return asyncio.run(story())


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), http_error(503)])
def test_an_absent_server_is_asked_again_for_ever_and_said_once(
    worker: DrainableProcessWorker,
    server: Server,
    failure: Exception,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ask(worker) == [A_RUN]
    server.failure = failure
    for _ in range(20):
        assert ask(worker) == []
    assert worker.is_worker_still_polling(QUERY_SECONDS)
    server.failure = None
    assert ask(worker) == [A_RUN]
    output = capsys.readouterr().out
    assert output.count("the server is away") == 1
    assert output.count("the server is back") == 1


def test_a_question_without_an_answer_is_given_up_and_asked_anew(
    worker: DrainableProcessWorker, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_worker, "ANSWER_SECONDS", 0.01)
    server.hangs = True
    assert ask(worker) == []
    server.hangs = False
    assert ask(worker) == [A_RUN]


def test_a_refusal_is_no_absence(worker: DrainableProcessWorker, server: Server) -> None:
    server.failure = http_error(404)
    with pytest.raises(httpx.HTTPStatusError):
        ask(worker)


def test_it_polls_only_once_the_server_has_answered_and_while_it_asks(
    worker: DrainableProcessWorker, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.failure = httpx.ConnectError("refused")
    ask(worker)
    assert not worker.is_worker_still_polling(QUERY_SECONDS)
    server.failure = None
    ask(worker)
    assert worker.is_worker_still_polling(QUERY_SECONDS)
    monkeypatch.setattr(process_worker, "HANG_SECONDS", -1)
    assert not worker.is_worker_still_polling(0)


def test_one_that_takes_no_runs_need_not_ask(tmp_path: Path) -> None:
    drained = DrainableProcessWorker(Ledger(tmp_path), lambda: False, work_pool_name="of-a-test")
    assert drained.is_worker_still_polling(QUERY_SECONDS)


def test_one_question_at_a_time_and_each_is_reported(
    worker: DrainableProcessWorker, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = []
    monkeypatch.setattr(
        worker.waking, "answered", lambda began, runs: reported.append((began, runs))
    )
    asked = []
    at_once = 0

    async def ask_slowly(_worker: Any) -> list[Any]:
        nonlocal at_once
        at_once += 1
        asked.append(at_once)
        for _ in range(5):
            await asyncio.sleep(0)
        at_once -= 1
        return [A_RUN]

    monkeypatch.setattr(ProcessWorker, "get_and_submit_flow_runs", ask_slowly)

    async def story() -> None:
        await asyncio.gather(*(worker.get_and_submit_flow_runs() for _ in range(3)))
        worker.accepts_runs = False
        await worker.get_and_submit_flow_runs()

    asyncio.run(story())
    del server
    assert asked == [1, 1, 1]
    assert [runs for _, runs in reported] == [{"of-a-run"}] * 3 + [set()]


def test_it_has_no_room_before_it_has_begun(worker: DrainableProcessWorker) -> None:
    assert not worker.has_room
    worker.is_setup = True
    assert worker.has_room


def test_a_run_is_marked_by_the_request_that_labels_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path)
    worker = DrainableProcessWorker(
        ledger, lambda: True, work_pool_name="of-a-test", name="of-this-machine"
    )
    server_is_away = False
    given = []

    async def give(run: Any, labels: dict[str, Any]) -> None:
        if server_is_away:
            raise httpx.ConnectError("refused")
        given.append((run, labels))

    async def set_up(_worker: Any) -> None:
        pass

    monkeypatch.setattr(ProcessWorker, "setup", set_up)
    client = SimpleNamespace(update_flow_run_labels=give)
    monkeypatch.setattr(ProcessWorker, "client", client)
    taken, refused = uuid4(), uuid4()

    async def story() -> None:
        nonlocal server_is_away
        await worker.setup()
        theirs = {mark.LATEST_WORKER: worker.name}
        await client.update_flow_run_labels(taken, theirs)
        server_is_away = True
        with pytest.raises(httpx.ConnectError):
            await client.update_flow_run_labels(refused, theirs)

    asyncio.run(story())
    ((run, labels),) = given
    assert run == taken
    assert labels[mark.LEDGER] == ledger.identity
    assert labels[mark.BEAT]
    assert labels[mark.WORKER] == labels[mark.LATEST_WORKER] == "of-this-machine"
    assert worker.marked == {str(taken)}


class Told:
    """Where Prefect's worker waits for a process id."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def started(self, value: int) -> None:
        self.pids.append(value)


@pytest.mark.parametrize("pid", [0, 4711])
def test_the_end_of_what_is_cut_short_is_recorded_by_the_stop_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: int
) -> None:
    ledger = Ledger(tmp_path)
    worker = DrainableProcessWorker(ledger, lambda: True, work_pool_name="of-a-test")
    begun = asyncio.Event()

    async def lasts(
        _worker: Any, _flow_run: Any, _configuration: Any, task_status: anyio.abc.TaskStatus[int]
    ) -> None:
        if pid:
            task_status.started(pid)
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ProcessWorker, "run", lasts)
    first: Any = SimpleNamespace(id=uuid4())
    late: Any = SimpleNamespace(id=uuid4())
    told: Any = Told()
    held = []

    def record(run: str) -> None:
        held.append((run, ledger.holds(run), bool(worker.processes)))
        ledger.strike(run)

    async def story() -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            running = group.create_task(worker.run(first, CONFIGURATION, told))  # type: ignore[arg-type]
            await begun.wait()
            worker.record = record
            worker.abandon([first.id])
            assert (await running).status_code == 0
            # One that was on its way to us when the stop began gets no process any more.
            begun.clear()
            await worker.run(late, CONFIGURATION, told)  # type: ignore[arg-type]
            assert not begun.is_set()

    asyncio.run(story())
    assert held == [(str(first.id), True, True), (str(late.id), True, True)]
    assert told.pids == [pid, 0]
    assert not worker.processes
    assert list(ledger.entries()) == []


@pytest.mark.parametrize("is_away", [False, True])
def test_what_was_stopped_at_its_limit_is_recorded_once_or_left_to_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    ledger = Ledger(tmp_path)
    worker = DrainableProcessWorker(ledger, lambda: True, work_pool_name="of-a-test")
    flow_run: Any = SimpleNamespace(id=uuid4())
    configuration: Any = SimpleNamespace(command="zoe-flow-run --limits memory=1", env={"A": "a"})
    told: Any = Told()
    settled: list[tuple[str, str]] = []

    async def is_stopped(
        _worker: Any, _flow_run: Any, given: Any, task_status: anyio.abc.TaskStatus[int]
    ) -> ProcessWorkerResult:
        task_status.started(4711)
        assert given.env["A"] == "a"
        assert given.env[protocol.VERDICT] == str(ledger.verdict_file(flow_run.id))
        ledger.verdict_file(flow_run.id).write_text("It used too much.", encoding="utf-8")
        return ProcessWorkerResult(status_code=0, identifier="4711")

    def settle(run: str, reason: str) -> None:
        if is_away:
            raise WorldError("the server is away")
        settled.append((run, reason))

    async def read(_run: Any) -> Any:
        # Of one that had not begun no hook is run, for that would load what could not be loaded.
        return SimpleNamespace(state=SimpleNamespace(is_pending=lambda: True))

    monkeypatch.setattr(ProcessWorker, "run", is_stopped)
    monkeypatch.setattr(ProcessWorker, "client", SimpleNamespace(read_flow_run=read))
    logged: list[str] = []
    logger = SimpleNamespace(error=logged.append)
    monkeypatch.setattr(worker, "get_flow_run_logger", lambda _run: logger)
    worker.settle_stopped = settle
    result = asyncio.run(worker.run(flow_run, configuration, told))
    assert result.status_code == 0
    assert logged == ["It used too much."]
    assert not worker.processes
    if is_away:
        assert ledger.verdict(flow_run.id) == "It used too much."
        assert ledger.holds(flow_run.id)
    else:
        assert settled == [(str(flow_run.id), "It used too much.")]
        assert ledger.verdict(flow_run.id) is None
        assert not ledger.holds(flow_run.id)
