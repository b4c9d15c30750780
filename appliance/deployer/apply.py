"""Carry out a plan through the API; what one deployment is refused does not stop the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appliance.api import Api
from appliance.deployer.plan import Create, Plan, Update
from appliance.deployer.problems import Problem
from appliance.errors import WorldError

PAGE = 200

# What Prefect reads within one request only (seen with 3.8.8): parameters are checked against the
# schema beside them, and a queue without its pool is looked for by name in every pool.
SENT_TOGETHER = (
    ("parameters", "parameter_openapi_schema", "enforce_parameter_schema"),
    ("work_pool_name", "work_queue_name"),
)


def read_actual(api: Api) -> dict[str, dict[str, Any]]:
    """Return every deployment of the server by `flow/deployment`."""
    flow_names = {flow["id"]: flow["name"] for flow in _all(api, "/flows/filter")}
    return {
        f"{flow_names[deployment['flow_id']]}/{deployment['name']}": deployment
        for deployment in _all(api, "/deployments/filter")
        if deployment["flow_id"] in flow_names
    }


def _all(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = api.post(path, {"offset": len(found), "limit": PAGE})
        found += page
        if len(page) < PAGE:
            return found


def apply(plan: Plan, api: Api, say: Callable[[str], None]) -> list[Problem]:
    """Make the server equal to the plan's declarations.

    Args:
        plan: What to do.
        api: Where to do it.
        say: Told each thing once it is done.

    Returns:
        What the server refused.

    Raises:
        WorldError: The server went away; the rest is for the next pass.
    """
    problems: list[Problem] = []
    changes: list[Create | Update] = [*plan.creates, *plan.updates]
    for change in changes:
        try:
            if isinstance(change, Create):
                _create(change, api)
                say(f"created {change.desired.name}")
            else:
                _update(change, api)
                say(f"updated {change.desired.name}: {', '.join(change.what())}")
        except WorldError as error:
            api.get("/admin/version")  # raises when the server is away rather than unwilling
            declared = change.desired.declared
            problems.append(Problem(declared.file, declared.line, error.line()))
    return problems


def _create(change: Create, api: Api) -> None:
    desired = change.desired
    flow = api.post("/flows/", {"name": desired.flow_name})
    fields = {name: value for name, value in desired.fields.items() if value is not None}
    api.post(
        "/deployments/",
        {
            "name": desired.declared.deployment.name,
            "flow_id": flow["id"],
            **fields,
            **desired.initial,
            "schedules": _with_slugs(desired.schedules),
        },
    )


def _update(change: Update, api: Api) -> None:
    path = f"/deployments/{change.deployment_id}"
    if change.fields:
        fields = {**change.fields}
        for together in SENT_TOGETHER:
            if not fields.keys().isdisjoint(together):
                fields |= {name: change.desired.fields[name] for name in together}
        api.patch(path, fields)
    for schedule_id in change.dropped_schedules:
        api.delete(f"{path}/schedules/{schedule_id}")
    for schedule_id, schedule in change.changed_schedules.items():
        api.patch(f"{path}/schedules/{schedule_id}", schedule)
    if change.new_schedules:
        api.post(f"{path}/schedules", _with_slugs(change.new_schedules))


def _with_slugs(schedules: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**schedule, "slug": slug} for slug, schedule in schedules.items()]
