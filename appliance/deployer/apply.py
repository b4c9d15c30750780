"""Carry out a plan through the API; what one object is refused does not stop the next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from appliance.api import Api
from appliance.deployer.objects.kind import Actual, Kind
from appliance.deployer.ownership import Store
from appliance.deployer.plan import Action, Plan, Step, record_after, record_before
from appliance.deployer.problems import Problem
from appliance.errors import WorldError


def read_actual(
    api: Api, kinds: Sequence[Kind], wanted: Collection[str]
) -> dict[str, Mapping[str, Actual]]:
    """Return what the server has, by kind and name.

    Args:
        api: The server.
        kinds: All kinds.
        wanted: The names of the kinds that matter; nobody is asked for others.
    """
    return {kind.name: kind.read(api) if kind.name in wanted else {} for kind in kinds}


def apply(
    plan: Plan, api: Api, kinds: Sequence[Kind], store: Store, say: Callable[[str], None]
) -> list[Problem]:
    """Make the server equal to the plan's declarations, and record what is ours.

    Args:
        plan: What to do.
        api: Where to do it.
        kinds: All kinds.
        store: The record.
        say: Told each thing once it is done.

    Returns:
        What the server refused.

    Raises:
        WorldError: The server went away; the rest is for the next pass.
    """
    by_name = {kind.name: kind for kind in kinds}
    problems: list[Problem] = []
    done: list[Step] = []
    if plan.of(Action.CREATE):
        store.write(record_before(plan))
    for step in plan.steps:
        try:
            _carry_out(step, by_name[step.kind], api)
        except WorldError as error:
            api.get("/admin/version")  # raises when the server is away rather than unwilling
            problems.append(_refused(step, error))
        else:
            done.append(step)
            say(words(step))
    store.write(record_after(plan, done))
    return problems


def _carry_out(step: Step, kind: Kind, api: Api) -> None:
    if step.desired is None:
        assert step.actual is not None  # noqa: S101 - only what is there is removed
        kind.delete(api, step.actual)
    elif step.actual is None:
        kind.create(api, step.desired)
    else:
        kind.update(api, step.desired, step.actual, step.differences.keys())


def _refused(step: Step, error: WorldError) -> Problem:
    where = step.desired.place if step.desired else step.entry
    assert where is not None  # noqa: S101 - a step is about what is declared or recorded
    line = step.desired.place.line if step.desired else 0
    return Problem(where.file, line, error.line(), step.kind, step.name)


def words(step: Step) -> str:
    """Return what a step that was carried out has done, for the log."""
    subject = f"{step.kind} {step.name}"
    match step.action:
        case Action.CREATE:
            return f"created {subject}"
        case Action.DELETE:
            return f"removed {subject}, which is declared no more"
        case Action.CHANGE:
            return f"changed {subject}: {', '.join(sorted(step.differences))}"
        case Action.PUT_BACK:
            fields = ", ".join(sorted(step.differences))
            return f"put back {subject}, changed on the server: {fields}"
