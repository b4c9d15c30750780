"""Compare what should be with what is: which requests would make them equal. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.deployer.desired import Desired
from appliance.deployer.problems import Problem


@dataclass(frozen=True)
class Create:
    """A deployment that the server does not have."""

    desired: Desired


@dataclass(frozen=True)
class Update:
    """A deployment that differs from its file.

    Attributes:
        desired: What it should be.
        deployment_id: Its id, which stays.
        fields: The fields that differ, with the values they should have.
        new_schedules: By slug.
        changed_schedules: By the schedule's id.
        dropped_schedules: The ids of schedules that are not in the file.
    """

    desired: Desired
    deployment_id: str
    fields: Mapping[str, Any]
    new_schedules: Mapping[str, dict[str, Any]]
    changed_schedules: Mapping[str, dict[str, Any]]
    dropped_schedules: tuple[str, ...]

    def what(self) -> list[str]:
        """Return the names of what differs, for the log."""
        schedules = self.new_schedules or self.changed_schedules or self.dropped_schedules
        return [*sorted(self.fields), *(["schedules"] if schedules else [])]


@dataclass(frozen=True)
class Plan:
    """What an apply would do.

    Attributes:
        creates: Deployments to make.
        updates: Deployments to change.
        unchanged: Deployments that are as they should be.
        problems: Names that two declarations claim.
    """

    creates: tuple[Create, ...]
    updates: tuple[Update, ...]
    unchanged: tuple[Desired, ...]
    problems: tuple[Problem, ...]


def plan(wanted: Iterable[Desired], actual: Mapping[str, Mapping[str, Any]]) -> Plan:
    """Compare.

    Args:
        wanted: What the files declare.
        actual: The server's deployments in its own words, by `flow/deployment`.
    """
    creates: list[Create] = []
    updates: list[Update] = []
    unchanged: list[Desired] = []
    problems: list[Problem] = []
    claimed: dict[str, Desired] = {}
    for desired in wanted:
        first = claimed.setdefault(desired.name, desired)
        if first is not desired:
            problems.append(_claimed_twice(desired, first))
            continue
        there = actual.get(desired.name)
        if there is None:
            creates.append(Create(desired))
            continue
        update = _difference(desired, there)
        if update.what():
            updates.append(update)
        else:
            unchanged.append(desired)
    return Plan(tuple(creates), tuple(updates), tuple(unchanged), tuple(problems))


def _claimed_twice(second: Desired, first: Desired) -> Problem:
    return Problem(
        second.declared.file,
        second.declared.line,
        f"{second.name} is declared already at {first.declared.file}:{first.declared.line}",
    )


def _difference(desired: Desired, there: Mapping[str, Any]) -> Update:
    there_by_slug = {schedule["slug"]: schedule for schedule in there["schedules"]}
    fields = {
        name: value for name, value in desired.fields.items() if not _is_so(name, there, value)
    }
    new = {
        slug: schedule for slug, schedule in desired.schedules.items() if slug not in there_by_slug
    }
    changed = {
        there_by_slug[slug]["id"]: _without_active(schedule)
        for slug, schedule in desired.schedules.items()
        if slug in there_by_slug and not _is_scheduled_so(there_by_slug[slug], schedule)
    }
    dropped = tuple(
        schedule["id"]
        for schedule in there["schedules"]
        if schedule["slug"] not in desired.schedules
    )
    return Update(desired, there["id"], fields, new, changed, dropped)


def _is_so(name: str, there: Mapping[str, Any], wanted: Any) -> bool:
    """Tell whether a field is as wanted.

    The server answers a limit as the object that it made of it, and unset options as nulls.
    """
    if name == "concurrency_limit":
        limit = there.get("global_concurrency_limit")
        return bool((limit["limit"] if limit else None) == wanted)
    answered = there.get(name)
    if name == "concurrency_options":
        return _without_nulls(answered) == _without_nulls(wanted)
    return bool(answered == wanted)


def _without_nulls(options: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (options or {}).items() if value is not None}


def _without_active(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Leave a schedule that an operator has paused as it is."""
    return {name: value for name, value in schedule.items() if name != "active"}


def _is_scheduled_so(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a schedule is as wanted; an anchor that the file leaves out is the server's."""
    answered = there["schedule"]
    return bool(
        all(
            _is_rule_so(name, answered.get(name), value)
            for name, value in wanted["schedule"].items()
        )
        and there["parameters"] == wanted["parameters"]
    )


def _is_rule_so(name: str, answered: Any, wanted: Any) -> bool:
    if name == "anchor_date" and answered is not None:
        return datetime.fromisoformat(answered) == datetime.fromisoformat(wanted)
    if name == "rrule" and answered is not None and "DTSTART" not in wanted.upper():
        # Prefect puts a line with a start of its own before a rule that has none.
        first, _, rest = answered.partition("\n")
        return bool((rest if first.startswith("DTSTART") else answered) == wanted)
    return bool(answered == wanted)
