"""A plan, told to people and to machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from appliance.deployer.plan import Action, Step
from appliance.deployer.reconcile import Planned

# ECMA-48's numbers: green, yellow, magenta, red.
COLOURS = {Action.CREATE: 32, Action.CHANGE: 33, Action.PUT_BACK: 35, Action.DELETE: 31}
MARKS = {Action.CREATE: "+", Action.CHANGE: "~", Action.PUT_BACK: "!", Action.DELETE: "-"}
WHY = {
    Action.CREATE: "",
    Action.CHANGE: "",
    Action.PUT_BACK: "somebody has changed it on the server",
    Action.DELETE: "declared no more",
}
VALUE_CHARACTERS = 60


def text(planned: Planned, *, colour: bool) -> str:
    """Return it for people: a line for each step, and one for each field that differs.

    Args:
        planned: The plan.
        colour: Whether whoever reads it sees colours.
    """
    return "".join(f"{line}\n" for line in _lines(planned, colour=colour))


def _lines(planned: Planned, *, colour: bool) -> Iterator[str]:
    for step in planned.plan.steps:
        why = WHY[step.action]
        line = f"{MARKS[step.action]} {step.kind} {step.name}{f'  ({why})' if why else ''}"
        yield f"\x1b[{COLOURS[step.action]}m{line}\x1b[0m" if colour else line
        for name, difference in sorted(step.differences.items()):
            yield f"    {name}: {_short(difference.there)} -> {_short(difference.wanted)}"
    for one in planned.plan.held:
        yield f"  {one.kind} {one.name} stays until {one.project} can be read"
    if planned.plan.removes_most:
        yield "  more than half of what the deployer has made: apply removes it only when told to"
        yield "  (zoe deploy apply --allow-mass-delete)"
    yield summary(planned)


def summary(planned: Planned) -> str:
    """Return how much of what there is to do, in one line."""
    plan = planned.plan
    counts = [f"{len(plan.of(action))} to {action}" for action in Action if plan.of(action)] or [
        "nothing to do"
    ]
    return f"{', '.join(counts)}; {len(plan.unchanged)} are as declared"


def _short(value: Any) -> str:
    words = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return words if len(words) <= VALUE_CHARACTERS else f"{words[: VALUE_CHARACTERS - 1]}…"


def to_json(planned: Planned) -> dict[str, Any]:
    """Return it for machines."""
    plan = planned.plan
    return {
        "changes": [_step(step) for step in plan.steps],
        "unchanged": len(plan.unchanged),
        "held": [{"kind": one.kind, "name": one.name, "project": one.project} for one in plan.held],
        "problems": [
            {"file": problem.file, "line": problem.line, "cause": problem.cause}
            for problem in planned.problems
        ],
    }


def _step(step: Step) -> dict[str, Any]:
    where = step.desired.place if step.desired else step.entry
    return {
        "action": str(step.action),
        "kind": step.kind,
        "name": step.name,
        "project": where.project if where else None,
        "file": where.file if where else None,
        "line": step.desired.place.line if step.desired else None,
        "differences": {
            name: {"there": difference.there, "wanted": difference.wanted}
            for name, difference in step.differences.items()
        },
    }
