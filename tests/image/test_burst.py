"""Hundreds of runs in the queue: the worker keeps to its limit, and to no deployment alone."""

from __future__ import annotations

import httpx
import pytest

from tests.support import runs
from tests.support.chaos.creations import client
from tests.support.chaos.stage import arguments, pause_schedules
from tests.support.container import eventually, running

LIMIT = 4
# More than the server answers at once, so that a run behind them is in no first answer.
MANY = 210
GOING_ON = ["PENDING", "RUNNING"]


def count(http: httpx.Client, deployment: str, states: list[str]) -> int:
    query = {
        "flow_runs": {"state": {"type": {"any_": states}}},
        "deployments": {"id": {"any_": [deployment]}},
    }
    return int(http.post("flow_runs/count", json=query).raise_for_status().json())


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_single_run_does_not_wait_for_hundreds_of_another_deployment(engine: str) -> None:
    with running(*arguments(engine), f"--env=ZOE_WORKER_LIMIT={LIMIT}") as container:
        container.wait_healthy()
        pause_schedules(container)
        container.exec("zoe", "worker", "drain", "--wait")
        with client(container) as http:
            ids = {name: one["id"] for name, one in runs.deployments(http).items()}
            many, single = ids["simple-print"], ids["run-shell-command"]
            for _ in range(MANY):
                runs.create_run(http, many)
            last = runs.create_run(http, single, command="true")
            container.exec("zoe", "worker", "resume")

            most = 0

            def has_ended() -> bool:
                nonlocal most
                most = max(most, count(http, many, GOING_ON) + count(http, single, GOING_ON))
                return runs.state(http, last)["type"] in runs.TERMINAL

            eventually(has_ended, what="the end of the single run")
            assert runs.state(http, last)["type"] == "COMPLETED"
            assert 0 < most <= LIMIT
            # By its time it would have been the very last.
            assert count(http, many, ["SCHEDULED"]) > MANY / 2
        assert container.exit_code_of("zoe", "health") == 0
