"""Deployments with their schedules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from appliance.api import Api
from appliance.deployer.catalogue import Declared
from appliance.deployer.declaration import ConcurrencyLimit, Schedule
from appliance.deployer.inspection import FlowDescription
from appliance.deployer.objects.kind import (
    Actual,
    Desired,
    Kind,
    read_all,
    values,
    without_nulls,
)

SCHEDULES = "schedules"

# What Prefect reads within one request only (seen with 3.8.8): parameters are checked against the
# schema beside them, and a queue without its pool is looked for by name in every pool.
SENT_TOGETHER = (
    ("parameters", "parameter_openapi_schema", "enforce_parameter_schema"),
    ("work_pool_name", "work_queue_name"),
)


class Deployments(Kind):
    """Deployments, by `flow/deployment`."""

    name = "deployment"

    def __init__(self) -> None:
        # The ids of flows by their names, as the server had them when it was last read.
        self._flows: dict[str, str] = {}

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has."""
        flow_names = {flow["id"]: flow["name"] for flow in read_all(api, "/flows/filter")}
        self._flows = {name: flow_id for flow_id, name in flow_names.items()}
        found = {}
        # Names are the same in many flows; in an order by name pages might overlap.
        for one in read_all(api, "/deployments/filter", {"sort": "CREATED_DESC"}):
            if one["flow_id"] in flow_names:
                name = f"{flow_names[one['flow_id']]}/{one['name']}"
                found[name] = Actual(name, one["id"], one)
        return found

    def create(self, api: Api, desired: Desired) -> None:
        """Make one, and its flow where that is new."""
        flow_name, _, name = desired.name.partition("/")
        if flow_name not in self._flows:
            self._flows[flow_name] = api.post("/flows/", {"name": flow_name})["id"]
        fields = {**desired.fields}
        schedules = fields.pop(SCHEDULES)
        api.post(
            "/deployments/",
            {
                "name": name,
                "flow_id": self._flows[flow_name],
                **without_nulls(fields),
                "paused": desired.initial["paused"],
                SCHEDULES: _new(schedules, desired.initial),
            },
        )

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one."""
        path = f"/deployments/{actual.id}"
        fields = {
            name: value
            for name, value in values(desired, differing).items()
            if name != SCHEDULES and not name.startswith(f"{SCHEDULES}.")
        }
        for together in SENT_TOGETHER:
            if not fields.keys().isdisjoint(together):
                fields |= {name: desired.fields[name] for name in together}
        if fields:
            api.patch(path, fields)
        self._update_schedules(api, desired, actual, differing)

    def _update_schedules(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        path = f"/deployments/{actual.id}/schedules"
        there, wanted = _by_slug(actual.content), desired.fields[SCHEDULES]
        if SCHEDULES in differing:
            # One by one: an update of the whole keeps those that have slugs. (3.8.8)
            for slug in there.keys() - wanted.keys():
                api.delete(f"{path}/{there[slug]['id']}")
        for slug in [slug for slug in wanted if slug in there]:
            change = {} if _is_scheduled_so(there[slug], wanted[slug]) else {**wanted[slug]}
            if switch(slug) in differing:
                change["active"] = desired.initial[switch(slug)]
            if change:
                api.patch(f"{path}/{there[slug]['id']}", change)
        new = {slug: schedule for slug, schedule in wanted.items() if slug not in there}
        if new:
            api.post(path, _new(new, desired.initial))

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one; its runs and their logs stay."""
        api.delete(f"/deployments/{actual.id}")

    def value(self, actual: Actual, name: str) -> Any:
        """Return what the server holds for a field."""
        if name == "concurrency_limit":
            # Answered as the object that the server has made of it.
            limit = actual.content.get("global_concurrency_limit")
            return limit["limit"] if limit else None
        if name == SCHEDULES:
            return {
                slug: {"schedule": one["schedule"], "parameters": one["parameters"]}
                for slug, one in _by_slug(actual.content).items()
            }
        if name.startswith(f"{SCHEDULES}."):
            states = {switch(slug): one["active"] for slug, one in _by_slug(actual.content).items()}
            return states.get(name)
        return actual.content.get(name)

    def is_so(self, name: str, there: Any, wanted: Any) -> bool:
        """Tell whether a field is as wanted."""
        if name == "concurrency_options":
            return without_nulls(there or {}) == without_nulls(wanted or {})
        if name == SCHEDULES:
            return there.keys() == wanted.keys() and all(
                _is_scheduled_so(there[slug], wanted[slug]) for slug in wanted
            )
        return bool(there == wanted)


def switch(slug: str) -> str:
    """Return the name of the switch that pauses one schedule."""
    return f"{SCHEDULES}.{slug}.active"


def _by_slug(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the server's schedules; one that was made without a slug goes by its id."""
    return {one["slug"] or one["id"]: one for one in content[SCHEDULES]}


def _new(schedules: Mapping[str, Any], switches: Mapping[str, bool]) -> list[dict[str, Any]]:
    return [
        {**schedule, "slug": slug, "active": switches[switch(slug)]}
        for slug, schedule in schedules.items()
    ]


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


def desired(
    declared: Declared, flow: FlowDescription, default_pool: str, command: str | None = None
) -> Desired:
    """Combine what the file says with what the flow says of itself.

    Args:
        declared: The deployment in its file.
        flow: Its flow.
        default_pool: The work pool of a deployment that names none.
        command: What starts its runs, where neither the pool's command does nor one of its own.
    """
    deployment = declared.deployment
    limit, options = _concurrency(deployment.concurrency_limit)
    schedules = {one.identity(): one for one in deployment.all_schedules()}
    return Desired(
        kind=Deployments.name,
        name=f"{deployment.flow_name or flow.name}/{deployment.name}",
        place=declared.place,
        fields={
            "entrypoint": deployment.entrypoint,
            "version": deployment.version or flow.version,
            "description": deployment.description or flow.description,
            "tags": deployment.tags,
            "parameters": deployment.parameters,
            "parameter_openapi_schema": flow.parameter_schema,
            "enforce_parameter_schema": deployment.enforce_parameter_schema,
            "pull_steps": declared.pull_steps,
            "work_pool_name": deployment.work_pool.name or default_pool,
            "work_queue_name": deployment.work_pool.work_queue_name or "default",
            "job_variables": {
                **({"command": command} if command else {}),
                **deployment.job_variables,
            },
            "concurrency_limit": limit,
            "concurrency_options": options,
            SCHEDULES: {slug: _schedule(one) for slug, one in schedules.items()},
            # A pause belongs to operators, this one to the file.
            **({} if deployment.enabled else {"paused": True}),
        },
        initial={
            "paused": bool(deployment.paused) or not deployment.enabled,
            **{switch(slug): one.active is not False for slug, one in schedules.items()},
        },
    )


def _schedule(schedule: Schedule) -> dict[str, Any]:
    return {"schedule": schedule.rule(), "parameters": schedule.parameters}


def _concurrency(limit: ConcurrencyLimit | None) -> tuple[int | None, dict[str, Any] | None]:
    if limit is None:
        return None, None
    if limit.collision_strategy is None and limit.grace_period_seconds is None:
        return limit.limit, None
    options: dict[str, Any] = {"collision_strategy": limit.collision_strategy or "ENQUEUE"}
    if limit.grace_period_seconds is not None:
        options["grace_period_seconds"] = limit.grace_period_seconds
    return limit.limit, options
