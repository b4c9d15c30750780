"""Which steps follow from what is declared, what there is and what is ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from appliance.deployer.objects.kind import Actual, Desired
from appliance.deployer.objects.variables import Variables
from appliance.deployer.objects.work_pools import WorkPools
from appliance.deployer.objects.work_queues import WorkQueues
from appliance.deployer.ownership import Name, Record, entry
from appliance.deployer.plan import (
    Action,
    Declarations,
    Holdings,
    Plan,
    plan,
    record_after,
    record_before,
)
from tests.unit.deployer.builder import held, place, variable

KINDS = (WorkPools("default", warm_start=True), WorkQueues(), Variables())
ELSEWHERE = place(7, "/other")


def pool(name: str = "lab", *, paused: bool = False, **fields: Any) -> Desired:
    fields = {"type": "process", **fields}
    return Desired("work pool", name, place(), fields, {"is_paused": paused})


def ours(*ones: Desired) -> Record:
    return {(one.kind, one.name): entry(one, applied=True) for one in ones}


def planned(
    wanted: Iterable[Desired],
    there: Iterable[tuple[str, Actual]] = (),
    record: Record | None = None,
    others: dict[Name, str] | None = None,
    unread: frozenset[str] = frozenset(),
) -> Plan:
    actual: dict[str, dict[str, Actual]] = {kind.name: {} for kind in KINDS}
    for kind, one in there:
        actual[kind][one.name] = one
    whole = frozenset({"/project", "/other"}) - unread
    return plan(
        KINDS,
        Declarations(tuple(wanted), whole, unread),
        Holdings(actual, record or {}, others or {}),
    )


def steps(found: Plan) -> list[tuple[str, str]]:
    return [(str(step.action), step.name) for step in found.steps]


def test_what_is_missing_is_created_after_what_it_names() -> None:
    queue = Desired("work queue", "lab/urgent", place(4), {"priority": 1})
    assert steps(planned([variable("v"), queue, pool()])) == [
        ("create", "lab"),
        ("create", "lab/urgent"),
        ("create", "v"),
    ]


def test_what_is_so_is_unchanged_whoever_made_it() -> None:
    one = variable("v")
    for record in ({}, ours(one)):
        found = planned([one], [("variable", held(one))], record)
        assert (found.steps, found.unchanged, found.problems) == ((), (one,), ())


def test_a_change_of_the_file_and_one_on_the_server_differ() -> None:
    before, after = variable("v", 1), variable("v", 2)
    there = [("variable", held(before))]
    (change,) = planned([after], there, ours(before)).steps
    assert change.action is Action.CHANGE
    assert {name: (d.there, d.wanted) for name, d in change.differences.items()} == {
        "value": (1, 2)
    }
    (drift,) = planned([before], [("variable", held(after))], ours(before)).steps
    assert drift.action is Action.PUT_BACK
    # Of what was never ours nobody knows who has changed it.
    (adopted,) = planned([before], [("variable", held(after))]).steps
    assert adopted.action is Action.CHANGE


def test_what_vanished_is_removed_if_it_is_ours() -> None:
    mine, theirs = variable("mine"), variable("theirs")
    there = [("variable", held(mine)), ("variable", held(theirs))]
    found = planned([], there, ours(mine))
    assert steps(found) == [("delete", "mine")]
    assert record_after(found, found.steps) == {}


def test_what_names_others_is_removed_before_them() -> None:
    queue = Desired("work queue", "lab/urgent", place(4), {})
    there = [("work pool", held(pool())), ("work queue", held(queue, name="urgent"))]
    found = planned([], there, ours(pool(), queue))
    assert steps(found) == [("delete", "lab/urgent"), ("delete", "lab")]


def test_a_pool_s_own_queue_stays() -> None:
    queue = Desired("work queue", "lab/default", place(4), {})
    found = planned([], [("work queue", held(queue, name="default"))], ours(queue))
    assert found.steps == ()
    assert record_after(found, ()) == {}


def test_what_is_ours_and_gone_already_is_forgotten() -> None:
    found = planned([], [], ours(variable("v")))
    assert found.steps == ()
    assert record_after(found, ()) == {}


@pytest.mark.parametrize("project", ["/project", "/no-longer-in-the-settings"])
def test_nothing_goes_while_its_project_cannot_be_read(project: str) -> None:
    one = variable("v", at=place(3, project))
    found = planned([], [("variable", held(one))], ours(one), unread=frozenset({"/project"}))
    assert found.steps == ()
    assert [entry.name for entry in found.held] == ["v"]
    assert record_after(found, ()) == ours(one), "it stays ours"


def test_what_another_project_no_longer_declares_goes_all_the_same() -> None:
    one = variable("v", at=ELSEWHERE)
    found = planned([], [("variable", held(one))], ours(one), unread=frozenset({"/project"}))
    assert steps(found) == [("delete", "v")]


def test_a_switch_is_the_operator_s_until_the_file_changes_it() -> None:
    going, paused = pool(paused=False), pool(paused=True)
    stopped_by_hand = [("work pool", held(going, is_paused=True))]
    assert planned([going], stopped_by_hand, ours(going)).steps == ()
    # Neither when it is not ours yet,
    assert planned([going], stopped_by_hand).steps == ()
    # nor when something else of the file changes.
    other = pool(paused=False, concurrency_limit=3)
    (change,) = planned([other], stopped_by_hand, ours(going)).steps
    assert set(change.differences) == {"concurrency_limit"}
    (change,) = planned([going], stopped_by_hand, ours(paused)).steps
    assert set(change.differences) == {"is_paused"}


def test_a_name_that_two_claim_is_the_first_one_s() -> None:
    first, second = variable("v"), variable("v", 2, at=ELSEWHERE)
    found = planned([first, second])
    assert [step.desired for step in found.steps] == [first]
    (problem,) = found.problems
    assert str(problem) == (
        "/other/d.yaml:7: variable v is declared already at /project/d.yaml:3; both /project and "
        "/other claim it"
    )
    (same_project,) = planned([first, variable("v", 2, at=place(9))]).problems
    assert str(same_project) == (
        "/project/d.yaml:9: variable v is declared already at /project/d.yaml:3"
    )


def test_hands_off_what_another_deployer_has_made() -> None:
    one = variable("v", 2)
    there = [("variable", held(variable("v", 1)))]
    found = planned([one], there, {}, {("variable", "v"): "pipeline"})
    assert found.steps == ()
    (problem,) = found.problems
    assert "variable v belongs to the deployer 'pipeline'" in str(problem)


def test_what_cannot_become_what_it_should_be_is_told_and_stays_ours() -> None:
    process, docker = pool(), pool(type="docker")
    found = planned([docker], [("work pool", held(process))], ours(process))
    assert found.steps == ()
    (problem,) = found.problems
    assert "is of the type process and cannot become one of docker" in str(problem)
    assert record_after(found, ()) == ours(process)


@pytest.mark.parametrize(("gone", "stops"), [(1, False), (2, False), (3, True), (4, True)])
def test_more_than_half_is_too_much(gone: int, stops: bool) -> None:
    ones = [variable(f"v{number}") for number in range(4)]
    found = planned(ones[gone:], [("variable", held(one)) for one in ones], ours(*ones))
    assert found.removes_most is stops
    spared = found.without_deletions()
    assert spared.steps == ()
    assert record_after(spared, ()) == ours(*ones), "what was spared stays ours"


def test_what_is_about_to_be_made_is_recorded_before() -> None:
    new, old = variable("new"), variable("old")
    found = planned([new, old], [("variable", held(old))])
    before = record_before(found)
    assert {key: one.applied for key, one in before.items()} == {("variable", "new"): ""}
    assert record_after(found, found.steps) == ours(new, old)


def test_what_failed_is_as_much_ours_as_before() -> None:
    new, changed, gone = variable("new"), variable("changed", 1), variable("gone")
    there = [("variable", held(changed)), ("variable", held(gone))]
    found = planned([new, variable("changed", 2)], there, ours(changed, gone))
    assert len(found.steps) == 3
    assert record_after(found, ()) == ours(changed, gone)
