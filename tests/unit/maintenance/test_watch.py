"""The watch settles the runs of dead machines on the real server, and touches no others."""

from __future__ import annotations

from contextlib import closing

import pytest

from appliance.api import Api
from appliance.maintenance.watch import Watch
from appliance.settings.model import OnCrash
from appliance.worker.mark import BEAT, LATEST_WORKER, WORKER
from appliance.worker.settling import Policy, settle
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer
from tests.unit.support import NO_CREDENTIALS, free_port, make_settings

MARK = {BEAT: "a moment"}
POOL = "of-the-watch"


def watch_of(api: Api) -> Watch:
    return Watch(make_settings(lost_after=60, work_pool=POOL), api)


def our_pool(api: Api) -> str:
    if api.get(f"/work_pools/{POOL}") is None:
        api.post("/work_pools/", {"name": POOL, "type": "process"})
    return POOL


def look_for_a_minute(watch: Watch, begin: float = 0) -> None:
    for now in range(0, 70, 10):
        watch.look(begin + now)


def test_a_silent_run_is_settled_with_the_reason(
    real_server: RealServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(real_server.api()) as api:
        running = runs.flow_run(api, labels=MARK)
        taken = runs.flow_run(api, "PENDING", labels=MARK)
        cancelling = runs.flow_run(api, "CANCELLING", labels=MARK)
        task = runs.task_run(api, running)
        watch = watch_of(api)
        for now in range(0, 60, 10):
            watch.look(now)
        assert runs.state_of(api, running) == "RUNNING"
        watch.look(60)
        assert runs.state_of(api, running) == "CRASHED"
        assert "no sign of life for 60 s" in api.get(f"/flow_runs/{running}")["state"]["message"]
        assert runs.state_of(api, task, "task_runs") == "CRASHED"
        assert runs.state_of(api, taken) == "SCHEDULED"
        assert runs.state_of(api, cancelling) == "CANCELLED"
        assert (
            f"flow run {running} has lost its machine: it is CRASHED now" in capsys.readouterr()[0]
        )


def test_what_gives_signs_of_life_or_is_none_of_ours_is_left_alone(
    real_server: RealServer,
) -> None:
    with closing(real_server.api()) as api:
        healthy = runs.flow_run(api, labels=MARK)
        paused = runs.flow_run(api, "PAUSED", labels=MARK)
        by_hand = runs.flow_run(api)
        by_hand_pending = runs.flow_run(api, "PENDING")
        subflow = runs.flow_run(api, parent_task_run_id=runs.task_run(api, healthy))
        # It was ours, and its mark had not been taken back yet when it was tried again.
        of_a_stock_worker = runs.flow_run(
            api, labels={**MARK, WORKER: "ours", LATEST_WORKER: "a stock worker"}
        )
        watch = watch_of(api)
        for now in range(0, 200, 10):
            if now % 50 == 0:
                api.patch(f"/flow_runs/{healthy}/labels", {BEAT: str(now)})
            watch.look(now)
        assert runs.state_of(api, healthy) == "RUNNING"
        assert runs.state_of(api, paused) == "PAUSED"
        assert runs.state_of(api, by_hand) == "RUNNING"
        assert runs.state_of(api, by_hand_pending) == "PENDING"
        assert runs.state_of(api, subflow) == "RUNNING"
        assert runs.state_of(api, of_a_stock_worker) == "RUNNING"


def test_what_was_taken_in_our_pool_and_never_marked_is_scheduled_again(
    real_server: RealServer,
) -> None:
    with closing(real_server.api()) as api:
        deployment = runs.deployment(api, work_pool_name=our_pool(api))

        def take() -> str:
            made = api.post(f"/deployments/{deployment}/create_flow_run", {})
            api.post(f"/flow_runs/{made['id']}/set_state", {"state": {"type": "PENDING"}})
            return str(made["id"])

        dropped, of_a_stock_worker = take(), take()
        api.patch(f"/flow_runs/{of_a_stock_worker}", {"infrastructure_pid": "host:1"})
        look_for_a_minute(watch_of(api))
        assert runs.state_of(api, dropped) == "SCHEDULED"
        assert runs.state_of(api, of_a_stock_worker) == "PENDING"


def test_a_run_that_is_tried_again_has_its_time_though_its_mark_is_old(
    real_server: RealServer,
) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api, labels=MARK)
        watch = watch_of(api)
        for now in range(0, 60, 10):
            watch.look(now)
        api.post(f"/flow_runs/{run}/set_state", {"state": {"type": "PENDING"}, "force": True})
        watch.look(60)
        assert runs.state_of(api, run) == "PENDING"


def test_what_others_make_of_a_settled_run_is_none_of_its_machine_s(
    real_server: RealServer,
) -> None:
    """A stock worker takes a run that was scheduled again, or somebody runs it by hand."""
    with closing(real_server.api()) as api:
        run = runs.flow_run(api, labels=MARK)
        policy = Policy(OnCrash.RESCHEDULE, 3)
        assert settle(api, run, policy, "Its machine died.") == "SCHEDULED"
        api.post(f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
        look_for_a_minute(watch_of(api))
        assert runs.state_of(api, run) == "RUNNING"


def test_a_settled_run_that_is_taken_and_never_marked_is_scheduled_again(
    real_server: RealServer,
) -> None:
    with closing(real_server.api()) as api:
        deployment = runs.deployment(api, work_pool_name=our_pool(api))
        made = api.post(f"/deployments/{deployment}/create_flow_run", {})["id"]
        # Of its first life.
        api.patch(f"/flow_runs/{made}", {"infrastructure_pid": "1"})
        api.patch(f"/flow_runs/{made}/labels", MARK)
        api.post(f"/flow_runs/{made}/set_state", {"state": {"type": "RUNNING"}, "force": True})
        settle(api, made, Policy(OnCrash.RESCHEDULE, 3), "Its machine died.")
        api.post(f"/flow_runs/{made}/set_state", {"state": {"type": "PENDING"}})
        look_for_a_minute(watch_of(api))
        assert runs.state_of(api, made) == "SCHEDULED"


def test_an_absent_server_is_no_error() -> None:
    settings = make_settings(port=free_port(), host="127.0.0.1", lost_after=60)
    with closing(Api(settings, NO_CREDENTIALS)) as api:
        look_for_a_minute(Watch(settings, api))
