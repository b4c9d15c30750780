"""What the server should hold for a declared deployment, in the words of Prefect's API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.deployer.catalogue import Declared
from appliance.deployer.declaration import ConcurrencyLimit, Schedule
from appliance.deployer.inspection import FlowDescription


@dataclass(frozen=True)
class Desired:
    """One deployment as it should be.

    Attributes:
        declared: The file's words it comes from.
        flow_name: The flow on the server that it belongs to.
        fields: What is kept equal to the file at all times.
        initial: What is set once, at creation; operators change it in the UI later.
        schedules: By slug, what is kept equal to the file.
    """

    declared: Declared
    flow_name: str
    fields: dict[str, Any]
    initial: dict[str, Any]
    schedules: dict[str, dict[str, Any]]

    @property
    def name(self) -> str:
        """The name under which `prefect deployment run` knows it."""
        return f"{self.flow_name}/{self.declared.deployment.name}"


def desired(declared: Declared, flow: FlowDescription, default_pool: str) -> Desired:
    """Combine what the file says with what the flow says of itself.

    Args:
        declared: The deployment in its file.
        flow: Its flow.
        default_pool: The work pool of a deployment that names none.
    """
    deployment = declared.deployment
    limit, options = _concurrency(deployment.concurrency_limit)
    fields = {
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
        "job_variables": deployment.work_pool.job_variables,
        "concurrency_limit": limit,
        "concurrency_options": options,
    }
    return Desired(
        declared=declared,
        flow_name=deployment.flow_name or flow.name,
        fields=fields,
        initial={"paused": bool(deployment.paused)},
        schedules={schedule.identity(): _schedule(schedule) for schedule in _schedules(declared)},
    )


def _schedules(declared: Declared) -> list[Schedule]:
    return declared.deployment.all_schedules()


def _schedule(schedule: Schedule) -> dict[str, Any]:
    return {
        "schedule": schedule.rule(),
        "parameters": schedule.parameters,
        "active": schedule.active is not False,
    }


def _concurrency(limit: ConcurrencyLimit | None) -> tuple[int | None, dict[str, Any] | None]:
    if limit is None:
        return None, None
    if limit.collision_strategy is None and limit.grace_period_seconds is None:
        return limit.limit, None
    options: dict[str, Any] = {"collision_strategy": limit.collision_strategy or "ENQUEUE"}
    if limit.grace_period_seconds is not None:
        options["grace_period_seconds"] = limit.grace_period_seconds
    return limit.limit, options
