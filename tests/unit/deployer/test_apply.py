"""Plans, carried out on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from appliance.api import Api
from appliance.deployer.apply import apply, read_actual
from appliance.deployer.catalogue import Declared
from appliance.deployer.declaration import Deployment
from appliance.deployer.desired import Desired, desired
from appliance.deployer.inspection import FlowDescription
from appliance.deployer.plan import Plan, plan
from appliance.deployer.sources import Project
from appliance.errors import WorldError
from appliance.worker import pool
from tests.unit.conftest import RealServer
from tests.unit.support import NO_CREDENTIALS, free_port, make_settings

SCHEMA = {
    "title": "Parameters",
    "type": "object",
    "properties": {"count": {"type": "integer", "title": "count", "position": 0}},
    "definitions": {},
}


@pytest.fixture(scope="module")
def api(real_server: RealServer) -> Iterator[Api]:
    with closing(real_server.api()) as made:
        pool.ensure(made, "default")
        yield made


def wanted(name: str, **values: Any) -> Desired:
    deployment = Deployment.model_validate({"name": name, "entrypoint": "f.py:f", **values})
    root = Path("/project")
    declared = Declared(Project(root), root / "d.yaml", 3, deployment, [{"a.step": {}}])
    return desired(declared, FlowDescription("apply-flow", None, "doc", SCHEMA), "default")


def planned(api: Api, *ones: Desired) -> Plan:
    return plan(ones, read_actual(api))


def carried_out(api: Api, *ones: Desired) -> list[str]:
    """Apply and check that nothing is left to do; return what was said."""
    said: list[str] = []
    assert apply(planned(api, *ones), api, said.append) == []
    left = planned(api, *ones)
    differing = [
        (update.what(), update.fields, update.changed_schedules) for update in left.updates
    ]
    assert (left.creates, differing) == ((), [])
    return said


def held(api: Api, name: str) -> dict[str, Any]:
    found: dict[str, Any] = read_actual(api)[f"apply-flow/{name}"]
    return found


# Each one of these is on the server in other words than in the file.
EVERYTHING: dict[str, Any] = {
    "version": "1.2",
    "description": "own",
    "tags": ["b", "a"],
    "parameters": {"count": 2},
    "concurrency_limit": {
        "limit": 2,
        "collision_strategy": "CANCEL_NEW",
        "grace_period_seconds": 90,
    },
    "paused": True,
    "work_pool": {"work_queue_name": "urgent", "job_variables": {"env": {"A": "1", "N": None}}},
    "schedules": [
        {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "slug": "c", "parameters": {"count": 1}},
        {"cron": "@daily", "day_or": False},
        {"interval": 3600, "slug": "i", "active": False},
        {"interval": 90.5, "anchor_date": "2026-07-01T08:00:00", "timezone": "America/New_York"},
        {"rrule": "FREQ=DAILY;COUNT=3", "slug": "r"},
        {"rrule": "DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "slug": "started"},
    ],
}


def test_created_as_declared_and_then_left_alone(api: Api) -> None:
    one = wanted("everything", **EVERYTHING)
    assert carried_out(api, one) == ["created apply-flow/everything"]
    there = held(api, "everything")
    assert there["paused"] is True
    assert there["tags"] == ["b", "a"]
    assert there["work_queue_name"] == "urgent"
    assert there["global_concurrency_limit"]["limit"] == 2
    active = {schedule["slug"]: schedule["active"] for schedule in there["schedules"]}
    assert len(active) == 6
    assert [slug for slug, on in active.items() if not on] == ["i"]
    assert carried_out(api, one) == []


def test_minimal_one(api: Api) -> None:
    assert carried_out(api, wanted("minimal")) == ["created apply-flow/minimal"]
    assert carried_out(api, wanted("minimal")) == []


def test_every_field_changes_and_comes_back(api: Api) -> None:
    carried_out(api, wanted("changing"))
    first = held(api, "changing")
    full = {name: value for name, value in EVERYTHING.items() if name != "paused"}
    (said,) = carried_out(api, wanted("changing", **full))
    assert said.startswith("updated apply-flow/changing: ")
    assert "schedules" in said
    changed = held(api, "changing")
    assert changed["id"] == first["id"]
    assert changed["paused"] is False
    assert carried_out(api, wanted("changing")) == [said]
    back = held(api, "changing")
    moving = {"updated", "work_queue_id", "global_concurrency_limit"}
    assert {k: v for k, v in back.items() if k not in moving} == {
        k: v for k, v in first.items() if k not in moving
    }


def test_a_queue_is_looked_for_in_its_own_pool(api: Api) -> None:
    """Prefect takes a queue of the same name from any pool where the request names none."""
    others = [f"other-{number}" for number in range(8)]
    for other in others:
        pool.ensure(api, other)
        api.post(f"/work_pools/{other}/queues", {"name": "shared"})
    try:
        carried_out(api, wanted("queued"))
        for queue in ("shared", "default"):
            carried_out(api, wanted("queued", work_pool={"work_queue_name": queue}))
            there = held(api, "queued")
            assert (there["work_pool_name"], there["work_queue_name"]) == ("default", queue)
    finally:
        for other in others:
            api.delete(f"/work_pools/{other}")


def test_schedule_keeps_its_identity_and_its_pause(api: Api) -> None:
    carried_out(api, wanted("paused", schedules=[{"interval": 60, "slug": "s"}]))
    there = held(api, "paused")
    (schedule,) = there["schedules"]
    api.patch(f"/deployments/{there['id']}/schedules/{schedule['id']}", {"active": False})
    carried_out(api, wanted("paused", schedules=[{"interval": 120, "slug": "s"}]))
    (after,) = held(api, "paused")["schedules"]
    assert (after["id"], after["active"]) == (schedule["id"], False)
    assert after["schedule"]["interval"] == 120.0


def test_refused_deployment_does_not_stop_the_next(api: Api) -> None:
    bad = wanted("bad", work_pool={"name": "no-such-pool"})
    wrong = wanted("wrong", parameters={"count": "many"})
    good = wanted("good")
    said: list[str] = []
    problems = apply(planned(api, bad, wrong, good), api, said.append)
    assert said == ["created apply-flow/good"]
    missing, invalid = map(str, problems)
    assert missing.startswith("/project/d.yaml:3: the server refused POST /api/deployments/: ")
    assert "no-such-pool" in missing
    assert "'many' is not of type 'integer'" in invalid


def test_server_that_goes_away_ends_the_pass(api: Api) -> None:
    todo = planned(api, wanted("never"))
    away = Api(
        make_settings(components="worker", api_url=f"http://127.0.0.1:{free_port()}/api"),
        NO_CREDENTIALS,
    )
    with closing(away), pytest.raises(WorldError, match="does not answer"):
        apply(todo, away, lambda _: None)


def test_more_than_one_page_is_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    carried_out(api, wanted("page-1"), wanted("page-2"), wanted("page-3"))
    everything = read_actual(api)
    monkeypatch.setattr("appliance.deployer.apply.PAGE", 2)
    assert read_actual(api) == everything
    assert len(everything) >= 3
