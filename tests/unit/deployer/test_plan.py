"""What differs between a declaration and the server's words, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.deployer.catalogue import Declared
from appliance.deployer.declaration import Deployment
from appliance.deployer.desired import Desired, desired
from appliance.deployer.inspection import FlowDescription
from appliance.deployer.plan import plan
from appliance.deployer.sources import Project

FLOW = FlowDescription("flow", None, "doc", {"type": "object", "properties": {}})
NAME = "flow/one"


def wanted(line: int = 3, **values: Any) -> Desired:
    deployment = Deployment.model_validate({"name": "one", "entrypoint": "f.py:f", **values})
    root = Path("/project")
    declared = Declared(Project(root), root / "d.yaml", line, deployment, [{"step": {}}])
    return desired(declared, FLOW, "default")


def on_server(like: Desired, **changes: Any) -> dict[str, Any]:
    """The same in the server's words, as `test_reconcile` has seen a real one say it."""
    limit = like.fields["concurrency_limit"]
    options = like.fields["concurrency_options"]
    return {
        **like.fields,
        "concurrency_limit": None,
        "global_concurrency_limit": (
            {"limit": limit, "active_slots": 0, "name": "deployment:x"} if limit else None
        ),
        "concurrency_options": (
            {"collision_strategy": None, "grace_period_seconds": None, **options}
            if options
            else None
        ),
        "id": "the-id",
        "paused": False,
        "schedules": [
            {"id": f"id-{slug}", "slug": slug, **schedule}
            for slug, schedule in like.schedules.items()
        ],
        **changes,
    }


HOURLY = {"cron": "0 * * * *", "slug": "hourly"}
DAILY = {"cron": "0 0 * * *", "slug": "daily", "timezone": "Europe/Berlin"}
ANCHORED = {"interval": 60, "slug": "i", "anchor_date": "2026-07-01T08:00:00+02:00"}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"parameters": {"a": 1, "deep": {"list": [1, None]}}, "tags": ["x"]},
        {"concurrency_limit": 2},
        {"concurrency_limit": {"limit": 2, "collision_strategy": "CANCEL_NEW"}},
        {"schedules": [HOURLY, DAILY]},
        {"schedules": [ANCHORED]},
        {"description": "own words", "version": "1"},
        {"work_pool": {"name": "p", "work_queue_name": "q", "job_variables": {"env": {"A": "b"}}}},
    ],
)
def test_what_is_so_is_unchanged(values: dict[str, Any]) -> None:
    one = wanted(**values)
    found = plan([one], {NAME: on_server(one)})
    assert (found.creates, found.updates, found.unchanged) == ((), (), (one,))


def test_missing_is_created() -> None:
    one = wanted()
    found = plan([one], {"flow/other": on_server(one)})
    assert [create.desired for create in found.creates] == [one]
    assert (found.updates, found.unchanged) == ((), ())


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({}, {"entrypoint": "g.py:f"}, {"entrypoint"}),
        ({"tags": ["a"]}, {}, {"tags"}),
        ({"parameters": {"a": 1}}, {"parameters": {"a": 2}}, {"parameters"}),
        # To a run, a parameter that is null and one that is left to its default differ.
        ({}, {"parameters": {"a": None}}, {"parameters"}),
        ({"parameters": {"active_slots": 1}}, {"parameters": {"active_slots": 2}}, {"parameters"}),
        ({}, {"description": "new"}, {"description"}),
        ({}, {"work_pool": {"name": "p"}}, {"work_pool_name"}),
        ({}, {"concurrency_limit": 1}, {"concurrency_limit"}),
        ({"concurrency_limit": 1}, {"concurrency_limit": 2}, {"concurrency_limit"}),
        ({"concurrency_limit": 1}, {}, {"concurrency_limit"}),
        (
            {"concurrency_limit": 1},
            {"concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"}},
            {"concurrency_options"},
        ),
    ],
)
def test_changed_field(before: dict[str, Any], after: dict[str, Any], fields: set[str]) -> None:
    one = wanted(**after)
    (update,) = plan([one], {NAME: on_server(wanted(**before))}).updates
    assert set(update.fields) == fields
    assert update.what() == sorted(fields)
    assert update.deployment_id == "the-id"
    for name in fields:
        assert update.fields[name] == one.fields[name]


def test_schedules_are_added_changed_and_dropped_by_slug() -> None:
    before = wanted(schedules=[HOURLY, DAILY])
    after = wanted(schedules=[{**HOURLY, "cron": "30 * * * *"}, {"interval": 60, "slug": "new"}])
    (update,) = plan([after], {NAME: on_server(before)}).updates
    assert update.what() == ["schedules"]
    assert list(update.new_schedules) == ["new"]
    assert update.dropped_schedules == ("id-daily",)
    assert list(update.changed_schedules) == ["id-hourly"]
    assert update.changed_schedules["id-hourly"]["schedule"]["cron"] == "30 * * * *"


def test_schedule_that_an_operator_has_paused_stays_paused() -> None:
    one = wanted(schedules=[HOURLY])
    there = on_server(one)
    there["schedules"][0]["active"] = False
    assert plan([one], {NAME: there}).updates == ()
    # Not even a change of its rule sets it going again.
    other = wanted(schedules=[{**HOURLY, "cron": "30 * * * *"}])
    (update,) = plan([other], {NAME: there}).updates
    assert "active" not in update.changed_schedules["id-hourly"]


def test_deployment_that_an_operator_has_paused_stays_paused() -> None:
    one = wanted(paused=False)
    assert plan([one], {NAME: on_server(one, paused=True)}).updates == ()


def test_all_schedules_made_by_hand_are_dropped_at_once() -> None:
    one = wanted(schedules=[HOURLY])
    there = on_server(one)
    by_hand = {"slug": None, "schedule": {"interval": 5}, "parameters": {}}
    there["schedules"] += [{**by_hand, "id": "hand-1"}, {**by_hand, "id": "hand-2"}]
    (update,) = plan([one], {NAME: there}).updates
    assert update.dropped_schedules == ("hand-1", "hand-2")


@pytest.mark.parametrize(
    ("answered", "changed"),
    [
        # The same moment in the server's words.
        ("2026-07-01T06:00:00Z", False),
        ("2026-07-01T08:00:00+00:00", True),
        (None, True),
    ],
)
def test_anchor(answered: str | None, changed: bool) -> None:
    one = wanted(schedules=[ANCHORED])
    there = on_server(one)
    rule = {**there["schedules"][0]["schedule"], "anchor_date": answered}
    if answered is None:
        del rule["anchor_date"]
    there["schedules"][0]["schedule"] = rule
    assert bool(plan([one], {NAME: there}).updates) is changed


@pytest.mark.parametrize(
    ("answered", "changed"),
    [
        ("DTSTART:20200101T000000\nFREQ=DAILY", False),
        ("FREQ=DAILY", False),
        ("DTSTART:20200101T000000\nFREQ=HOURLY", True),
        ("FREQ=HOURLY", True),
    ],
)
def test_start_that_prefect_adds_to_a_rule(answered: str, changed: bool) -> None:
    one = wanted(schedules=[{"rrule": "FREQ=DAILY"}])
    there = on_server(one)
    there["schedules"][0]["schedule"] = {"rrule": answered, "timezone": "UTC"}
    assert bool(plan([one], {NAME: there}).updates) is changed


def test_start_of_the_file_s_own_counts() -> None:
    before = wanted(schedules=[{"rrule": "DTSTART:20200101T000000\nRRULE:FREQ=DAILY", "slug": "r"}])
    after = wanted(schedules=[{"rrule": "DTSTART:20210101T000000\nRRULE:FREQ=DAILY", "slug": "r"}])
    assert plan([after], {NAME: on_server(before)}).updates


def test_anchor_that_the_file_leaves_out_is_the_server_s() -> None:
    one = wanted(schedules=[{"interval": 60}])
    there = on_server(one)
    there["schedules"][0]["schedule"] = {
        **there["schedules"][0]["schedule"],
        "anchor_date": "2020-01-01T00:00:00Z",
    }
    assert plan([one], {NAME: there}).updates == ()


def test_name_that_two_claim_is_the_first_one_s() -> None:
    first, second = wanted(3), wanted(9, tags=["other"])
    found = plan([first, second], {})
    assert [create.desired for create in found.creates] == [first]
    (problem,) = found.problems
    assert str(problem) == ("/project/d.yaml:9: flow/one is declared already at /project/d.yaml:3")


def test_what_nobody_declares_is_left_alone() -> None:
    found = plan([], {NAME: on_server(wanted())})
    assert (found.creates, found.updates, found.unchanged, found.problems) == ((), (), (), ())
