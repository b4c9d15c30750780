"""What differs between a declared deployment and the server's words."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.deployer.objects.deployments import Deployments, switch
from appliance.deployer.objects.kind import Actual, Desired
from tests.unit.deployer.builder import deployment

KIND = Deployments()


def on_server(like: Desired, **changes: Any) -> Actual:
    """The same in the server's words, as `test_every` has seen a real one say it."""
    limit = like.fields["concurrency_limit"]
    options = like.fields["concurrency_options"]
    content = {
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
        "paused": False,
        "schedules": [
            {"id": f"id-{slug}", "slug": slug, "active": True, **schedule}
            for slug, schedule in like.fields["schedules"].items()
        ],
        **changes,
    }
    return Actual(like.name, "the-id", content)


def differing(desired: Desired, there: Actual, **thrown: bool) -> list[str]:
    return sorted(KIND.differences(desired, there, thrown))


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
def test_what_is_so_does_not_differ(values: dict[str, Any]) -> None:
    one = deployment(**values)
    assert differing(one, on_server(one)) == []


def test_what_the_file_disables_stays_so_and_what_it_enables_is_an_operator_s() -> None:
    off, on = deployment(enabled=False), deployment()
    assert differing(off, on_server(off)) == ["paused"]
    assert differing(off, on_server(off, paused=True)) == []
    assert off.initial["paused"] is True
    assert differing(on, on_server(on, paused=True)) == []


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({}, {"entrypoint": "g.py:f"}, ["entrypoint"]),
        ({"tags": ["a"]}, {}, ["tags"]),
        ({"parameters": {"a": 1}}, {"parameters": {"a": 2}}, ["parameters"]),
        # To a run, a parameter that is null and one that is left to its default differ.
        ({}, {"parameters": {"a": None}}, ["parameters"]),
        ({"parameters": {"active_slots": 1}}, {"parameters": {"active_slots": 2}}, ["parameters"]),
        ({}, {"description": "new"}, ["description"]),
        ({}, {"work_pool": {"name": "p"}}, ["work_pool_name"]),
        ({}, {"concurrency_limit": 1}, ["concurrency_limit"]),
        ({"concurrency_limit": 1}, {"concurrency_limit": 2}, ["concurrency_limit"]),
        ({"concurrency_limit": 1}, {}, ["concurrency_limit"]),
        (
            {"concurrency_limit": 1},
            {"concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"}},
            ["concurrency_options"],
        ),
        ({"schedules": [HOURLY, DAILY]}, {"schedules": [HOURLY]}, ["schedules"]),
        ({}, {"schedules": [HOURLY]}, ["schedules"]),
    ],
)
def test_changed_field(before: dict[str, Any], after: dict[str, Any], fields: list[str]) -> None:
    one = deployment(**after)
    differences = KIND.differences(one, on_server(deployment(**before)), {})
    assert sorted(differences) == fields
    assert {name: difference.wanted for name, difference in differences.items()} == {
        name: one.fields[name] for name in fields
    }


def test_a_pause_differs_only_where_it_is_to_be_as_declared() -> None:
    one = deployment(schedules=[HOURLY])
    there = on_server(one, paused=True)
    there.content["schedules"][0]["active"] = False
    assert differing(one, there) == []
    assert differing(one, there, paused=False) == ["paused"]
    assert differing(one, there, **{switch("hourly"): True}) == [switch("hourly")]


def test_schedules_made_by_hand_differ() -> None:
    one = deployment(schedules=[HOURLY])
    there = on_server(one)
    by_hand = {"slug": None, "schedule": {"interval": 5}, "parameters": {}, "active": True}
    there.content["schedules"].extend([{**by_hand, "id": "hand-1"}, {**by_hand, "id": "hand-2"}])
    assert differing(one, there) == ["schedules"]


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
    one = deployment(schedules=[ANCHORED])
    there = on_server(one)
    (schedule,) = there.content["schedules"]
    schedule["schedule"] = {**schedule["schedule"], "anchor_date": answered}
    if answered is None:
        del schedule["schedule"]["anchor_date"]
    assert bool(differing(one, there)) is changed


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
    one = deployment(schedules=[{"rrule": "FREQ=DAILY"}])
    there = on_server(one)
    there.content["schedules"][0]["schedule"] = {"rrule": answered, "timezone": "UTC"}
    assert bool(differing(one, there)) is changed


def test_start_of_the_file_s_own_counts() -> None:
    rule = "DTSTART:{year}0101T000000\nRRULE:FREQ=DAILY"
    before = deployment(schedules=[{"rrule": rule.format(year=2020), "slug": "r"}])
    after = deployment(schedules=[{"rrule": rule.format(year=2021), "slug": "r"}])
    assert differing(after, on_server(before)) == ["schedules"]


def test_anchor_that_the_file_leaves_out_is_the_server_s() -> None:
    one = deployment(schedules=[{"interval": 60}])
    there = on_server(one)
    there.content["schedules"][0]["schedule"] = {
        **there.content["schedules"][0]["schedule"],
        "anchor_date": "2020-01-01T00:00:00Z",
    }
    assert differing(one, there) == []
