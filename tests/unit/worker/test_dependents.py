"""What ran in a dead run's process is ended; what has a process of its own is not."""

from __future__ import annotations

from contextlib import closing

import pytest

from appliance.settings.model import OnCrash
from appliance.worker.dependents import end_dependents
from appliance.worker.settling import Policy, settle
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer

CRASH = Policy(OnCrash.CRASH, 3)


@pytest.mark.parametrize(("parent", "expected"), [("CRASHED", "CRASHED"), ("CANCELLED",) * 2])
def test_tasks_and_subflows_end_with_their_parent_to_any_depth(
    real_server: RealServer, parent: str, expected: str
) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api, parent)
        task, done = runs.task_run(api, run), runs.task_run(api, run, "COMPLETED")
        child = runs.flow_run(api, parent_task_run_id=runs.task_run(api, run))
        # Between two tries of its own: nobody but the dead process would make the next one.
        waiting = runs.flow_run(api, "SCHEDULED", parent_task_run_id=runs.task_run(api, child))
        deepest = runs.task_run(api, waiting)
        end_dependents(api, run, parent)
        assert runs.state_of(api, task, "task_runs") == expected
        assert runs.state_of(api, done, "task_runs") == "COMPLETED"
        assert runs.state_of(api, child) == expected
        assert runs.state_of(api, waiting) == expected
        assert runs.state_of(api, deepest, "task_runs") == expected


def test_a_child_with_a_worker_of_its_own_lives_on(real_server: RealServer) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api, "CRASHED")
        its_task = runs.task_run(api, run)
        its_own = runs.deployment(api)
        child = runs.flow_run(api, parent_task_run_id=its_task, deployment_id=its_own)
        end_dependents(api, run, "CRASHED")
        assert runs.state_of(api, its_task, "task_runs") == "RUNNING"
        assert runs.state_of(api, child) == "RUNNING"


def test_settling_a_run_ends_what_ran_in_it_and_frees_the_slot_of_its_tag(
    real_server: RealServer,
) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api)
        task = runs.task_run(api, run, tags=["one-at-a-time"])
        api.post("/concurrency_limits/", {"tag": "one-at-a-time", "concurrency_limit": 1})
        body = {"names": ["one-at-a-time"], "task_run_id": task}
        api.post("/concurrency_limits/increment", body)
        limit = "/concurrency_limits/tag/one-at-a-time"
        assert api.get(limit)["active_slots"] == [task]
        assert settle(api, run, CRASH, "It died.") == "CRASHED"
        assert api.get(limit)["active_slots"] == []


def test_an_engine_that_reported_only_its_own_end_is_completed(real_server: RealServer) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api, "CRASHED")
        task = runs.task_run(api, run)
        assert settle(api, run, CRASH, "It died.") is None
        assert runs.state_of(api, task, "task_runs") == "CRASHED"


def test_what_a_completed_run_left_is_none_of_ours(real_server: RealServer) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api, "COMPLETED")
        task = runs.task_run(api, run)
        assert settle(api, run, CRASH, "It died.") is None
        assert runs.state_of(api, task, "task_runs") == "RUNNING"
