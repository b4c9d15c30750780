"""Compare what should be with what is: which steps would make them equal. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from appliance.deployer.objects.kind import Actual, Desired, Difference, Kind
from appliance.deployer.ownership import Entry, Name, Record, digest, entry
from appliance.deployer.problems import Problem

# A plan that would remove a larger part of what we own stops.
MOST_REMOVED = 1 / 2


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    CHANGE = "change"
    # The files are as they were; somebody has changed it on the server.
    PUT_BACK = "put back"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        action: What.
        kind: The kind of object.
        name: Its name.
        desired: What it should be; None where it goes.
        actual: What it is; None where there is none.
        differences: What differs, by field.
        entry: What is recorded of it; None where it is not ours yet.
    """

    action: Action
    kind: str
    name: str
    desired: Desired | None = None
    actual: Actual | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)
    entry: Entry | None = None


@dataclass(frozen=True)
class Plan:
    """What an apply would do.

    Attributes:
        steps: In their order.
        unchanged: What is as declared.
        problems: What cannot be done, and why.
        held: What is not declared any more and stays, since its project could not be read whole.
        record: What is ours before the plan is carried out.
    """

    steps: tuple[Step, ...]
    unchanged: tuple[Desired, ...]
    problems: tuple[Problem, ...]
    held: tuple[Entry, ...]
    record: Record

    def of(self, action: Action) -> list[Step]:
        """Return the steps of one sort."""
        return [step for step in self.steps if step.action is action]

    def without_deletions(self) -> Plan:
        """Return the plan that leaves everything where it is; what it spares stays ours."""
        spared = tuple(step.entry for step in self.of(Action.DELETE) if step.entry)
        steps = tuple(step for step in self.steps if step.action is not Action.DELETE)
        return replace(self, steps=steps, held=(*self.held, *spared))

    @property
    def removes_most(self) -> bool:
        """Whether more than half of what is ours would go."""
        return len(self.of(Action.DELETE)) > len(self.record) * MOST_REMOVED


@dataclass(frozen=True)
class Declarations:
    """What the projects say.

    Attributes:
        wanted: What they declare.
        whole: The projects that were read without a problem.
        unread: The others: what nobody declares any more may be declared where we could not look.
    """

    wanted: tuple[Desired, ...]
    whole: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Holdings:
    """What the server has.

    Attributes:
        actual: All objects, by kind and name.
        record: What is ours.
        others: What belongs to other deployers, and to which.
    """

    actual: Mapping[str, Mapping[str, Actual]]
    record: Record = field(default_factory=dict)
    others: Mapping[Name, str] = field(default_factory=dict)


def plan(kinds: Sequence[Kind], declarations: Declarations, holdings: Holdings) -> Plan:
    """Compare.

    Args:
        kinds: All kinds, in the order in which objects are made.
        declarations: What should be.
        holdings: What is.
    """
    claimed, problems = _claims(declarations.wanted, holdings.others)
    steps: list[Step] = []
    unchanged: list[Desired] = []
    for kind in kinds:
        for desired in [one for one in claimed.values() if one.kind == kind.name]:
            there = holdings.actual[kind.name].get(desired.name)
            if reason := kind.refusal(desired, there):
                problems.append(_problem(desired, reason))
                continue
            step = _step(kind, desired, there, holdings.record.get((kind.name, desired.name)))
            if step is None:
                unchanged.append(desired)
            else:
                steps.append(step)
    gone = [one for key, one in holdings.record.items() if key not in claimed]
    held = [one for one in gone if declarations.unread and one.project not in declarations.whole]
    for kind in reversed(kinds):
        for one in [one for one in gone if one.kind == kind.name and one not in held]:
            there = holdings.actual[kind.name].get(one.name)
            if there is not None and not kind.stays(there):
                steps.append(Step(Action.DELETE, one.kind, one.name, actual=there, entry=one))
    record = dict(holdings.record)
    return Plan(tuple(steps), tuple(unchanged), tuple(problems), tuple(held), record)


def _claims(
    wanted: Iterable[Desired], others: Mapping[Name, str]
) -> tuple[dict[Name, Desired], list[Problem]]:
    """Return who declares each name, and what is wrong with the other declarations of it."""
    claimed: dict[Name, Desired] = {}
    problems: list[Problem] = []
    for desired in wanted:
        key = desired.kind, desired.name
        if key in others:
            problems.append(_of_another(desired, others[key]))
            continue
        first = claimed.setdefault(key, desired)
        if first is not desired:
            problems.append(_claimed_twice(desired, first))
    return claimed, problems


def _step(
    kind: Kind, desired: Desired, there: Actual | None, recorded: Entry | None
) -> Step | None:
    if there is None:
        return Step(Action.CREATE, kind.name, desired.name, desired, entry=recorded)
    differences = kind.differences(desired, there, _thrown(desired, recorded))
    if not differences:
        return None
    is_drift = recorded is not None and recorded.applied == digest(desired)
    action = Action.PUT_BACK if is_drift else Action.CHANGE
    return Step(action, kind.name, desired.name, desired, there, differences, recorded)


def _thrown(desired: Desired, recorded: Entry | None) -> dict[str, bool]:
    """Return the switches of which the file says something else than before."""
    before = recorded.initial if recorded else {}
    return {
        name: value for name, value in desired.initial.items() if before.get(name, value) != value
    }


def record_before(plan: Plan) -> Record:
    """Return what to record before anything is done: what will be made is ours from then on.

    Who is killed between making something and recording it would leave it to nobody.
    """
    made = [step.desired for step in plan.of(Action.CREATE) if step.desired]
    return {**plan.record, **{(one.kind, one.name): entry(one, applied=False) for one in made}}


def record_after(plan: Plan, done: Collection[Step]) -> Record:
    """Return what to record afterwards.

    Args:
        plan: What was to be done.
        done: The steps of it that succeeded.
    """
    as_declared = [*plan.unchanged, *(step.desired for step in done if step.desired)]
    failed = [step for step in plan.steps if step not in done and step.entry]
    kept = [*plan.held, *(step.entry for step in failed if step.entry)]
    refused = {(problem.kind, problem.name) for problem in plan.problems if problem.name}
    return {
        **{one.key: one for one in kept},
        **{key: one for key, one in plan.record.items() if key in refused},
        **{(one.kind, one.name): entry(one, applied=True) for one in as_declared},
    }


def _claimed_twice(second: Desired, first: Desired) -> Problem:
    projects = (
        f"; both {first.place.project} and {second.place.project} claim it"
        if first.place.project != second.place.project
        else ""
    )
    return _problem(
        second,
        f"{second.kind} {second.name} is declared already at "
        f"{first.place.file}:{first.place.line}{projects}",
    )


def _of_another(desired: Desired, deployer: str) -> Problem:
    return _problem(
        desired,
        f"{desired.kind} {desired.name} belongs to the deployer '{deployer}'; take it out of one "
        "of the two",
    )


def _problem(desired: Desired, cause: str) -> Problem:
    return Problem(desired.place.file, desired.place.line, cause, desired.kind, desired.name)
