"""What wakes a worker: which runs it hears of, when it asks, and what it does not do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from appliance.api import Api
from appliance.prefect_environment import CHOSEN_FOR_RUNS
from appliance.worker import waking
from appliance.worker.waking import (
    GAP_SECONDS,
    RECONNECT_SECONDS,
    SHARE,
    TRIES_SECONDS,
    Pace,
    Waking,
    announced_runs,
    keep_waking,
)
from tests.unit.conftest import RealServer
from tests.unit.runs_on_server import deployment, flow_run
from tests.unit.support import wait_until


class TestPace:
    """Pure decisions; the clock is the test's."""

    def test_there_is_no_reason_to_ask_at_first(self) -> None:
        assert Pace().due() is None

    def test_an_announced_run_is_asked_for_at_once_and_no_more_once_it_is_there(self) -> None:
        pace = Pace()
        pace.announce("a", 100)
        assert pace.due() == 100
        pace.answered(100, 100, {"a"})
        assert pace.due() is None

    def test_one_that_cannot_be_had_is_asked_for_some_times_and_then_forgotten(self) -> None:
        pace = Pace()
        pace.announce("a", 100)
        asked = []
        while (due := pace.due()) is not None:
            asked.append(due)
            pace.answered(due, due, ())
        assert asked == [100 + seconds for seconds in TRIES_SECONDS]

    def test_the_workers_own_rounds_count(self) -> None:
        pace = Pace()
        pace.announce("a", 100)
        pace.answered(100.2, 100.2, ())
        assert pace.due() == 100 + TRIES_SECONDS[2]

    def test_an_answer_to_an_earlier_question_does_not_count(self) -> None:
        pace = Pace()
        pace.announce("a", 100)
        pace.answered(99, 101, ())
        assert pace.due() == 101 + 2 / SHARE
        pace.look(200)
        pace.answered(199, 200, ())
        assert pace.due() is not None

    def test_a_burst_is_one_question_and_the_next_keeps_its_distance(self) -> None:
        pace = Pace()
        for number in range(1000):
            pace.announce(str(number), 100)
        pace.answered(100, 100, set(map(str, range(10))))
        assert pace.due() == 100 + max(GAP_SECONDS, TRIES_SECONDS[1])

    def test_slow_answers_are_asked_for_less_often(self) -> None:
        pace = Pace()
        pace.answered(100, 101, ())
        pace.look(101)
        assert pace.due() == 101 + 1 / SHARE

    def test_room_is_a_reason_until_it_was_asked_about(self) -> None:
        pace = Pace()
        pace.look(100)
        assert pace.due() == 100
        pace.answered(100, 100, ())
        assert pace.due() is None

    def test_a_worker_that_can_take_nothing_has_no_reason_to_ask(self) -> None:
        pace = Pace()
        pace.announce("a", 100)
        pace.look(100)
        pace.forget()
        assert pace.due() is None


class Worker:
    """As much of a worker as can be woken; takes everything that is there, up to its limit."""

    def __init__(self, limit: int = 10) -> None:
        self.waking = Waking()
        self.limit = limit
        self.scheduled: set[str] = set()
        self.running: set[str] = set()
        self.questions = 0
        self.failure: Exception | None = None
        self.looked_at = False

    @property
    def has_room(self) -> bool:
        self.looked_at = True
        return len(self.running) < self.limit

    async def get_and_submit_flow_runs(self) -> None:
        began = asyncio.get_running_loop().time()
        self.questions += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        taken = sorted(self.scheduled)[: self.limit - len(self.running)]
        self.running.update(taken)
        self.scheduled.difference_update(taken)
        self.waking.answered(began, taken)

    def end(self, run: str) -> None:
        was_full = not self.has_room
        self.running.remove(run)
        if was_full:
            self.waking.look()


async def silence() -> AsyncIterator[str | None]:
    await asyncio.Event().wait()
    yield None


async def said(runs: Sequence[str]) -> AsyncIterator[str | None]:
    for run in runs:
        yield run
    await asyncio.Event().wait()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - whatever the test looks at
            await asyncio.sleep(0.005)


def woken(worker: Worker, announced: AsyncIterator[str | None], story: Callable[[], Any]) -> None:
    """Wake a worker for as long as a story takes."""

    async def both() -> None:
        task = asyncio.create_task(keep_waking(worker, worker.waking, announced))
        await story()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(both())


def test_a_burst_of_announcements_is_taken_by_few_questions() -> None:
    worker = Worker(limit=1000)
    runs = [str(number) for number in range(500)]
    worker.scheduled.update(runs)
    woken(worker, said(runs), lambda: until(lambda: len(worker.running) == len(runs)))
    assert worker.questions <= 2


def test_a_full_worker_asks_when_it_has_room_again_until_all_are_through() -> None:
    worker = Worker(limit=1)
    runs = [str(number) for number in range(3)]
    worker.scheduled.update(runs)

    async def story() -> None:
        for run in runs:
            await until(lambda run=run: worker.running == {run})  # type: ignore[misc]  # it is a str
            worker.end(run)

    woken(worker, said(runs), story)
    assert not worker.scheduled


def test_a_full_worker_is_left_in_peace() -> None:
    worker = Worker(limit=0)

    async def story() -> None:
        for _ in range(3):
            worker.looked_at = False
            worker.waking.announce("a")
            worker.waking.look()
            await until(lambda: worker.looked_at)

    woken(worker, silence(), story)
    assert not worker.questions


def test_a_failure_is_said_and_left_to_the_workers_own_rounds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    worker = Worker()
    worker.failure = ValueError("an unexpected word")

    asyncio.run(keep_waking(worker, worker.waking, said(["a"])))
    output = capsys.readouterr().out
    assert "WARNING" in output
    assert "an unexpected word" in output


class Subscriber:
    """Behaves in one way after the other: refused, closed in order, broken, or it stays."""

    ways: Iterator[str]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.way = next(self.ways)

    async def __aenter__(self) -> Self:
        if self.way == "refused":
            raise ConnectionRefusedError
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self.way == "closed":
            raise StopAsyncIteration
        if self.way == "broken":
            raise ConnectionResetError
        return SimpleNamespace(resource=SimpleNamespace(id="prefect.flow-run.the-run"))


def test_an_absent_stream_is_tried_again_after_growing_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waking, "get_events_subscriber", Subscriber)
    Subscriber.ways = iter(["refused"] * 7 + ["closed", "broken", "refused", "stays"])
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def first() -> list[str | None]:
        announced = announced_runs("a-pool", sleep)
        return [await anext(announced) for _ in range(4)]

    # Each connection is told, since nobody knows what was missed before it.
    assert asyncio.run(first()) == [None, None, None, "the-run"]
    shortest, longest = RECONNECT_SECONDS
    assert pauses[:7] == [1, 2, 4, 8, 16, longest, longest]
    # After a connection that stood it begins anew.
    assert pauses[7:] == [shortest, shortest, 2 * shortest]


def work_pool(api: Api, name: str) -> str:
    api.post("/work_pools/", {"name": name, "type": "process"})
    return name


def test_the_real_stream_tells_of_what_is_scheduled_in_the_pool(real_server: RealServer) -> None:
    with closing(real_server.api()) as api:
        mine, other = work_pool(api, "of-waking"), work_pool(api, "of-somebody-else")

        def schedule(pool: str) -> str:
            return flow_run(api, "SCHEDULED", work_pool_name=pool)

        def become(run: str, name: str) -> None:
            state = {"type": "SCHEDULED", "name": name}
            api.post(f"/flow_runs/{run}/set_state", {"state": state, "force": True})

        async def story() -> None:
            heard: list[str | None] = []

            async def listening() -> None:
                async for run in announced_runs(mine):
                    heard.append(run)  # noqa: PERF401 - it never ends

            task = asyncio.create_task(listening())
            # Until the server has subscribed us.
            first = ""
            while first not in heard:
                first = await asyncio.to_thread(schedule, mine)
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await until(lambda: first in heard)  # noqa: B023 - used at once
            assert heard[0] is None
            heard.clear()
            await asyncio.to_thread(schedule, other)
            await asyncio.to_thread(flow_run, api, "RUNNING", work_pool_name=mine)
            await asyncio.to_thread(become, first, "Late")
            second = await asyncio.to_thread(schedule, mine)
            await until(lambda: second in heard)
            await asyncio.to_thread(become, first, "Rescheduled")
            await until(lambda: first in heard)
            task.cancel()
            await asyncio.wait([task])
            assert heard == [second, first]

        with temporary_settings(
            {
                PREFECT_API_URL: f"http://127.0.0.1:{real_server.settings.port}/api",
                PREFECT_API_AUTH_STRING: f"{real_server.user}:{real_server.password}",
            }
        ):
            asyncio.run(story())


@contextmanager
def sleepy_worker(server: RealServer, directory: Path, pool: str) -> Iterator[None]:
    """Run a real worker for one run at a time, whose own rounds are hours apart."""
    log = directory / "log"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("ZOE_", "PREFECT_"))},
        "ZOE_COMPONENTS": "worker",
        "ZOE_API_URL": f"http://127.0.0.1:{server.settings.port}/api",
        "ZOE_ADMIN_PASSWORD": server.password,
        "ZOE_DATA_DIR": str(directory / "data"),
        "ZOE_RUNTIME_DIR": str(directory),
        "ZOE_WORK_POOL": pool,
        "ZOE_WORKER_LIMIT": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "7200",
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "appliance.worker"],
            env=environment,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            beat = directory / "worker.heartbeat"
            wait_until(lambda: beat.exists() or process.poll() is not None, "it has asked once", 60)
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            code = process.wait(30)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_real_worker_takes_what_is_announced_and_goes_on_when_it_has_room(
    real_server: RealServer, tmp_path: Path
) -> None:
    pool = "of-a-sleepy-worker"
    with closing(real_server.api()) as api, sleepy_worker(real_server, tmp_path, pool):
        command = f"sh -c 'env > {tmp_path}/$PREFECT__FLOW_RUN_ID.environment'"
        made = deployment(api, work_pool_name=pool, job_variables={"command": command})

        def create() -> str:
            return str(api.post(f"/deployments/{made}/create_flow_run", {})["id"])

        def is_taken(run: str) -> bool:
            return bool(api.get(f"/flow_runs/{run}")["state"]["type"] != "SCHEDULED")

        runs = [create()]
        # Until the server has subscribed the worker.
        while not is_taken(runs[0]):
            runs.append(create())
            with suppress(AssertionError):
                wait_until(lambda: is_taken(runs[0]), "the oldest is taken", 1)
        # More than there is room for.
        runs += [create() for _ in range(3)]
        wait_until(lambda: all(map(is_taken, runs)), "all are taken", 60)
        for run in runs:
            path = tmp_path / f"{run}.environment"
            wait_until(path.exists, "it runs", 60)
        # While we are at it: what is for flow runs and not for their worker.
        chosen = {f"{name}={value}" for name, value in CHOSEN_FOR_RUNS.items()}
        wait_until(lambda: chosen <= set(path.read_text().splitlines()), "its environment")
