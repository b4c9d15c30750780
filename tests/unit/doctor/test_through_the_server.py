"""The looks through the API, at a real server: what they ask for must be what it answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from appliance.api import Api
from appliance.doctor import late_runs, services, tag_limits
from appliance.doctor.lateness import Here, Limit
from appliance.doctor.moments import written
from appliance.doctor.pools import pools, queues
from tests.unit.conftest import RealServer
from tests.unit.support import wait_until


@pytest.fixture
def api(real_server: RealServer) -> Iterator[Api]:
    with closing(real_server.api()) as made:
        yield made


@pytest.fixture
def heartbeat(real_server: RealServer) -> Callable[[str, str], None]:
    """Let the server hear from a worker; it answers without a word."""

    def beat(pool: str, worker: str) -> None:
        httpx.post(
            f"http://127.0.0.1:{real_server.settings.port}/api/work_pools/{pool}/workers/heartbeat",
            json={"name": worker},
            auth=(real_server.user, real_server.password),
            timeout=30,
        ).raise_for_status()

    return beat


@dataclass(frozen=True)
class Late:
    """A deployment in a pool of its own, with a run that is an hour late."""

    pool: str
    deployment: str
    run: str


MakeLate = Callable[..., Late]


@pytest.fixture
def make_late(api: Api) -> Iterator[MakeLate]:
    made: list[Late] = []

    def make(**deployment: Any) -> Late:
        name = f"doctor-{uuid.uuid4().hex[:8]}"
        api.post("/work_pools/", {"name": name, "type": "process"})
        flow = api.post("/flows/", {"name": name})
        created = api.post(
            "/deployments/",
            {"name": name, "flow_id": flow["id"], "work_pool_name": name, **deployment},
        )
        state = {
            "type": "SCHEDULED",
            "state_details": {"scheduled_time": written(api.clock() - 3600)},
        }
        run = api.post(f"/deployments/{created['id']}/create_flow_run", {"state": state})
        made.append(Late(name, created["id"], run["name"]))
        return made[-1]

    yield make
    for one in made:
        api.delete(f"/work_pools/{one.pool}")
        api.delete(f"/deployments/{one.deployment}")
        for run in api.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [one.run]}}}):
            api.delete(f"/flow_runs/{run['id']}")


def told(api: Api, run: str, here: Here | None = None) -> str:
    """What the doctor says of one run, and what to do; other tests may have late ones, too."""
    now = api.clock()
    found = late_runs.look(api, pools(api, now), here or Here(None), now)
    return " ".join(f"{f.what}; {f.remedy}" for f in found if run in f.what)


def test_a_late_run_of_a_pool_without_a_worker(api: Api, make_late: MakeLate) -> None:
    late = make_late()
    assert f"{late.run} is late by 60 min: the work pool {late.pool} has no worker" in told(
        api, late.run
    )


def test_a_paused_pool_and_a_paused_queue(api: Api, make_late: MakeLate) -> None:
    late = make_late()
    api.patch(f"/work_pools/{late.pool}", {"is_paused": True})
    assert f"the work pool {late.pool} is paused" in told(api, late.run)
    api.patch(f"/work_pools/{late.pool}", {"is_paused": False})
    api.patch(f"/work_pools/{late.pool}/queues/default", {"is_paused": True})
    assert f"the work queue default of the work pool {late.pool} is paused" in told(api, late.run)


def test_limits_that_are_reached(
    api: Api, make_late: MakeLate, heartbeat: Callable[[str, str], None]
) -> None:
    late = make_late(concurrency_limit=1)
    heartbeat(late.pool, "far-away")
    assert "does not take them" in told(api, late.run)
    busy = api.post(f"/deployments/{late.deployment}/create_flow_run", {})
    for state in ("PENDING", "RUNNING"):
        api.post(f"/flow_runs/{busy['id']}/set_state", {"state": {"type": state}})
    assert f"the deployment {late.pool} is at its limit, 1 of 1" in told(api, late.run)
    api.patch(f"/work_pools/{late.pool}", {"concurrency_limit": 1})
    assert pools(api, api.clock())[late.pool].limit == Limit(1, 1)
    assert f"the work pool {late.pool} is at its limit, 1 of 1" in told(api, late.run)
    api.patch(f"/work_pools/{late.pool}/queues/default", {"concurrency_limit": 1})
    assert queues(api, late.pool)["default"].limit == Limit(1, 1)
    api.delete(f"/flow_runs/{busy['id']}")


def test_a_worker_that_is_drained_or_full(
    api: Api, make_late: MakeLate, heartbeat: Callable[[str, str], None]
) -> None:
    late = make_late()
    heartbeat(late.pool, "mine")
    (worker,) = pools(api, api.clock())[late.pool].workers
    assert worker.is_online
    assert worker.silent_seconds < 60
    drained = Here(late.pool, "mine", is_drained=True)
    assert "drained by an operator; zoe worker resume" in told(api, late.run, drained)
    assert "at its limit, 3 of 3" in told(api, late.run, Here(late.pool, "mine", runs=3, limit=3))


def test_a_pool_or_deployment_that_is_gone(api: Api, make_late: MakeLate) -> None:
    late = make_late()
    api.delete(f"/work_pools/{late.pool}")
    assert "has no work pool, and no process serves it" in told(api, late.run)
    orphan = make_late()
    api.delete(f"/deployments/{orphan.deployment}")
    # The server deletes the coming runs of a deployment with it.
    assert told(api, orphan.run) == ""


def test_a_run_that_is_tried_again_later_is_not_late(api: Api, make_late: MakeLate) -> None:
    late = make_late()
    (run,) = api.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [late.run]}}})
    waiting = {
        "type": "SCHEDULED",
        "name": "AwaitingRetry",
        "state_details": {"scheduled_time": written(api.clock() + 3600)},
    }
    api.post(f"/flow_runs/{run['id']}/set_state", {"state": waiting, "force": True})
    assert told(api, late.run) == ""


def test_services_are_judged_by_their_switches_and_effects(
    api: Api, make_late: MakeLate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "PATIENCE_SECONDS", 0.0)
    late = make_late(schedules=[{"schedule": {"interval": 3600.0}, "active": True}])
    deployment = api.get(f"/deployments/{late.deployment}")
    now = api.clock()
    said = [finding.what for finding in services.look(api, [deployment], now)]
    # These tests' server has no scheduler, and the operator is told so.
    assert said[0].startswith("scheduler: switched off by PREFECT_SERVER_SERVICES_SCHEDULER")
    asked_late = now + services.SCHEDULER_SECONDS + 60
    assert services.must_have_runs(deployment, asked_late)
    assert not services.must_have_runs(deployment, now)
    assert not services.must_have_runs({**deployment, "paused": True}, asked_late)
    (finding,) = services.scheduler(api, [deployment], asked_late)
    assert f"1 of 1 deployments with an active schedule, such as {late.pool}" in finding.what


def test_the_late_run_monitor_is_seen_at_work(api: Api, make_late: MakeLate) -> None:
    late = make_late()

    def is_marked() -> bool:
        (run,) = api.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [late.run]}}})
        return bool(run["state_name"] == "Late")

    wait_until(is_marked, "the run is marked late", 60)
    assert services.monitor(api, api.clock()) == []


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, True),
        ({"cron": "0 3 * * *", "timezone": None}, True),
        ({"cron": "0 0 29 2 *"}, False),
        ({"cron": "not cron"}, False),
        ({"interval": 60.0}, True),
        ({"interval": 86400.0 * 365}, False),
        ({"rrule": "FREQ=DAILY;COUNT=1"}, False),
    ],
)
def test_schedules_whose_runs_must_be_there(schedule: dict[str, Any], expected: bool) -> None:
    now = 1_800_000_000.0
    deployment = {
        "paused": False,
        "schedules": [{"active": True, "updated": written(now - 86400), "schedule": schedule}],
    }
    assert services.must_have_runs(deployment, now) is expected


def test_task_runs_that_wait_for_a_tag(api: Api) -> None:
    tag = f"tag-{uuid.uuid4().hex[:8]}"
    api.post("/concurrency_limits/", {"tag": tag, "concurrency_limit": 1})
    flow = api.post("/flows/", {"name": tag})
    flow_run = api.post("/flow_runs/", {"flow_id": flow["id"], "state": {"type": "RUNNING"}})

    def task(state: str) -> str:
        made = api.post(
            "/task_runs/",
            {
                "flow_run_id": flow_run["id"],
                "task_key": "t",
                "dynamic_key": uuid.uuid4().hex,
                "tags": [tag],
                "state": {"type": state},
            },
        )
        return str(made["id"])

    holder = task("RUNNING")
    task("PENDING")
    # As the engine of a flow run does it.
    slot = {
        "names": [f"tag:{tag}"],
        "slots": 1,
        "mode": "concurrency",
        "lease_duration": 60,
        "holder": {"type": "task_run", "id": holder},
    }
    api.post("/v2/concurrency_limits/increment-with-lease", slot)
    later = api.clock() + tag_limits.WAITING_SECONDS + 5
    found = [finding.what for finding in tag_limits.look(api, later) if tag in finding.what]
    assert found == [f"1 task runs wait for a slot of the tag {tag}: all 1 are taken"]
    assert not [f for f in tag_limits.look(api, api.clock()) if tag in f.what]
    api.delete(f"/flow_runs/{flow_run['id']}")
    api.delete(f"/concurrency_limits/tag/{tag}")
