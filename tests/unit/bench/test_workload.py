"""The light client, against a server that is made up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.bench import workload
from tests.bench.model import Variant

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let time pass by sleeping only."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def client(answer: Answer) -> httpx.Client:
    return httpx.Client(base_url="http://server/api/", transport=httpx.MockTransport(answer))


def in_turn(answers: Iterator[httpx.Response]) -> Answer:
    return lambda _: next(answers)


def test_a_busy_server_is_asked_again(clock: list[float]) -> None:
    answers = iter([httpx.Response(503), httpx.Response(503), httpx.Response(201, json={"id": 7})])
    assert workload.create(client(in_turn(answers)), "d") == "7"
    assert clock[0] == 2 * workload.RETRY_SECONDS


def test_one_that_stays_busy_is_given_up() -> None:
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        workload.ask(client(lambda _: httpx.Response(503)), "flows/", {})


def test_a_refusal_is_not_repeated(clock: list[float]) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        workload.ask(client(lambda _: httpx.Response(422)), "flows/", {})
    assert clock[0] == 0


def test_one_question_a_second_until_all_have_ended(clock: list[float]) -> None:
    counts = iter([0, 1, 3])
    latencies = workload.ended(
        client(lambda _: httpx.Response(200, json=next(counts))), deployment="d", wanted=3
    )
    assert len(latencies) == 3
    assert clock[0] == 2 * workload.ASK_SECONDS


def test_an_error_in_between_is_no_end() -> None:
    answers = iter([httpx.Response(200, json=1), httpx.Response(503), httpx.Response(200, json=2)])
    assert len(workload.ended(client(in_turn(answers)), "d", 2)) == 3


def test_nothing_that_moves_is_waited_for_only_so_long(clock: list[float]) -> None:
    workload.ended(client(lambda _: httpx.Response(200, json=1)), "d", 2)
    assert clock[0] == pytest.approx(workload.STANDSTILL_SECONDS, abs=2)


def entry(number: int) -> dict[str, Any]:
    return {
        "state_type": "COMPLETED",
        "created": f"2026-01-02T03:04:{number % 60:02}Z",
        "start_time": "2026-01-02T03:05:00.5Z",
        "end_time": None,
    }


def test_all_pages_of_runs_are_read() -> None:
    everything = [entry(number) for number in range(workload.PAGE_RUNS + 5)]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        begin = asked["offset"]
        return httpx.Response(200, json=everything[begin : begin + asked["limit"]])

    found = workload.runs(client(answer), "d")
    assert len(found) == len(everything)
    assert found[0].created == min(run.created for run in found)
    assert found[0].started is not None
    assert found[0].started - found[0].created == pytest.approx(60.5)
    assert found[0].ended is None


@pytest.mark.parametrize("variant", Variant)
def test_only_the_tuned_variant_names_a_command(variant: Variant) -> None:
    bodies: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(201, json={"id": "x"})

    workload.deploy(client(answer), "nothing", variant)
    tuned = {"command": "python -m prefect.engine"}
    assert bodies[1]["job_variables"] == (tuned if variant is Variant.TUNED else {})
