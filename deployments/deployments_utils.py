"""Read deployments in Prefect's YAML form and register them on a server.

Prefect itself skips keys that it doesn't know and files that it can't read. A build pipeline needs
the opposite: here everything that isn't understood is refused before the server is touched.
"""

import difflib
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.events import DeploymentTriggerTypes
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.runner.storage import RunnerStorage
from prefect.utilities.templating import (
    apply_values,
    resolve_block_document_references,
    resolve_variables,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class DeployError(Exception):
    """Something that the user can mend; the message says what, where and how.

    Attributes:
        exit_code: 2 for a mistake of the user's, 1 for the world's.
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WorkPool(_Section):
    """Where runs wait for a worker."""

    name: str
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)


class Schedule(_Section):
    """When runs are created: by exactly one of `cron`, `interval` and `rrule`."""

    cron: str | None = None
    interval: timedelta | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime | None = None
    day_or: bool | None = None
    active: bool = True
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None

    @model_validator(mode="after")
    def _is_one_schedule(self) -> Self:
        if sum(kind is not None for kind in (self.cron, self.interval, self.rrule)) != 1:
            raise ValueError("give exactly one of cron, interval and rrule")
        self.to_prefect()  # refuses an expression or a time zone that nobody knows
        return self

    def to_prefect(self) -> DeploymentScheduleCreate:
        """Give it in the form that the client sends."""
        values = self.model_dump(exclude_none=True)
        common = {key: values.pop(key) for key in ("active", "parameters", "slug") if key in values}
        kind: type[CronSchedule | IntervalSchedule | RRuleSchedule]
        kind = CronSchedule if self.cron else IntervalSchedule if self.interval else RRuleSchedule
        return DeploymentScheduleCreate(schedule=kind(**values), **common)


class Deployment(_Section):
    """One deployment, with all keys of Prefect's format that this route can keep its word on."""

    name: str
    entrypoint: str
    work_pool: WorkPool
    flow_name: str | None = None
    description: str | None = None
    version: str | None = None
    tags: list[str] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)
    enforce_parameter_schema: bool = True
    schedules: list[Schedule] = Field(default_factory=list)
    schedule: Schedule | None = None
    paused: bool | None = None
    concurrency_limit: int | ConcurrencyLimitConfig | None = None
    triggers: list[DeploymentTriggerTypes] = Field(default_factory=list)

    @property
    def all_schedules(self) -> list[Schedule]:
        """The schedules, however the file gives them."""
        return self.schedules + ([self.schedule] if self.schedule else [])


class DeploymentsFile(_Section):
    """A file of deployments; `definitions` is where people keep what they refer to by anchors."""

    prefect_version: str | None = Field(default=None, alias="prefect-version")
    name: str | None = None
    definitions: Any = None
    deployments: list[Deployment]


class Outcome(BaseModel):
    """What registering a deployment did.

    Attributes:
        name: Its full name, `flow/deployment`.
        change: created, updated or unchanged.
        deployment_id: The server's id of it.
        schedules: How many schedules it has.
    """

    name: str
    change: str
    deployment_id: str
    schedules: int


async def read_deployments(root: Path, folder: str, client: PrefectClient) -> list[Deployment]:
    """Read every file of deployments in a project.

    Args:
        root: Where the project is.
        folder: The folder in it that holds the files.
        client: Where blocks and variables are looked up that the files refer to.

    Raises:
        DeployError: If there is nothing, or something isn't understood.
    """
    files = sorted([*(root / folder).glob("*.yaml"), *(root / folder).glob("*.yml")])
    if not files:
        raise DeployError(
            f"The repository has no *.yaml in the folder {folder!r}, set by --folder:"
            " name the folder that holds the files of deployments."
        )
    found: dict[str, str] = {}
    deployments: list[Deployment] = []
    for file in files:
        name = file.relative_to(root).as_posix()
        for deployment in await _read_file(file, name, client):
            key = f"{deployment.entrypoint} {deployment.name}"
            if key in found:
                raise DeployError(
                    f"{name}: the deployment {deployment.name!r} of {deployment.entrypoint} is in"
                    f" {found[key]} already: remove one of them or give it another name."
                )
            found[key] = name
            deployments.append(deployment)
    return deployments


async def _read_file(file: Path, name: str, client: PrefectClient) -> list[Deployment]:
    content = _load(file, name)
    try:
        # The order is that of `prefect deploy`, so that the same file means the same.
        content = await resolve_block_document_references(content, client=client)
        content = await resolve_variables(content, client=client)
        content = apply_values(content, dict(os.environ), remove_notset=False)
    except (ValueError, PrefectException) as error:
        raise DeployError(f"{name}: a placeholder cannot be resolved: {_one_line(error)}") from None
    try:
        return DeploymentsFile.model_validate(content).deployments
    except ValidationError as error:
        raise DeployError(f"{name}: {_explain(error)}. Correct the file.") from None


def _load(file: Path, name: str) -> Any:  # what it is, is found out later
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DeployError(f"{name} is not YAML: {_one_line(error)}. Correct the file.") from None
    if not isinstance(content, dict):
        raise DeployError(f"{name} holds no mapping: it must begin with 'deployments:'.")
    listed = content.get("deployments")
    deployments = listed if isinstance(listed, list) else []
    for section in [content, *(item for item in deployments if isinstance(item, dict))]:
        section.pop("pull", None)  # runs pull from git instead
        for steps in ("build", "push", "sla"):
            if section.pop(steps, None):
                raise DeployError(
                    f"{name}: {steps!r} is not done here: remove it, or use 'prefect deploy'."
                )
    return content


async def build(
    deployments: Sequence[Deployment], storage: RunnerStorage
) -> list[RunnerDeployment]:
    """Load each deployment's flow and make of both what the server is told.

    Args:
        deployments: What the files declare.
        storage: Where the code is now, and where runs get it.

    Raises:
        DeployError: If a flow can't be loaded or refuses its parameters.
    """
    return [await _build(deployment, storage) for deployment in deployments]


async def _build(declared: Deployment, storage: RunnerStorage) -> RunnerDeployment:
    try:
        return await RunnerDeployment.afrom_storage(
            storage=storage,
            entrypoint=declared.entrypoint,
            name=declared.name,
            flow_name=declared.flow_name,
            schedules=[schedule.to_prefect() for schedule in declared.all_schedules],
            paused=declared.paused,
            concurrency_limit=declared.concurrency_limit,
            parameters=declared.parameters,
            triggers=list(declared.triggers),
            description=declared.description,
            tags=declared.tags,
            version=declared.version,
            enforce_parameter_schema=declared.enforce_parameter_schema,
            work_pool_name=declared.work_pool.name,
            work_queue_name=declared.work_pool.work_queue_name,
            job_variables=declared.work_pool.job_variables,
        )
    # Loading a flow runs the user's module, and that may raise anything.
    except Exception as error:  # noqa: BLE001
        cause = error.__cause__ or error
        reason = _one_line(cause).replace(f"{storage.destination}{os.sep}", "")
        raise DeployError(
            f"The deployment {declared.name!r} cannot be made of {declared.entrypoint}, its"
            f" entrypoint: {type(cause).__name__}: {reason}. Correct the entrypoint, or"
            " install here what the flow imports."
        ) from None


async def require_work_pools(deployments: Sequence[Deployment], client: PrefectClient) -> None:
    """Refuse deployments whose runs no worker could ever take.

    Raises:
        DeployError: If a work pool doesn't exist.
    """
    for name in sorted({deployment.work_pool.name for deployment in deployments}):
        try:
            await client.read_work_pool(name)
        except ObjectNotFound:
            raise DeployError(
                f"The server has no work pool {name!r}, set in the file of deployments or by"
                f" --work-pool: create it ('prefect work-pool create --type process {name}') or"
                " name another."
            ) from None


async def register(deployment: RunnerDeployment, client: PrefectClient) -> Outcome:
    """Create a deployment, or make the one that is there like it.

    Raises:
        DeployError: If the server refuses it.
    """
    before = await _stored(deployment.full_name, client)
    try:
        deployment_id = await deployment.aapply()
        # Prefect matches schedules by slug and never removes one that isn't declared any more.
        declared = {schedule.slug for schedule in deployment.schedules or []}
        for schedule in await client.read_deployment_schedules(deployment_id):
            if schedule.slug not in declared:
                await client.delete_deployment_schedule(deployment_id, schedule.id)
    except (DeploymentApplyError, PrefectException, ValueError) as error:
        raise DeployError(
            f"The server refuses the deployment {deployment.full_name!r}: {_one_line(error)}"
        ) from None
    after = await _stored(deployment.full_name, client)
    change = "created" if before is None else "unchanged" if before == after else "updated"
    return Outcome(
        name=deployment.full_name,
        change=change,
        deployment_id=str(deployment_id),
        schedules=len(deployment.schedules or []),
    )


async def _stored(name: str, client: PrefectClient) -> dict[str, Any] | None:
    """Give what the server knows of a deployment, without what every registration changes."""
    try:
        found = await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None
    stored: dict[str, Any] = found.model_dump(
        mode="json", exclude={"created", "updated", "last_polled", "status", "version_id"}
    )
    for schedule in stored["schedules"]:
        for key in ("id", "created", "updated"):
            schedule.pop(key, None)
    return stored


def _explain(error: ValidationError) -> str:
    """Say in one line what pydantic says in many."""
    return "; ".join(_explain_one(dict(detail)) for detail in error.errors(include_url=False))


def _explain_one(detail: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] != "extra_forbidden":
        return f"{where}: {_one_line(detail['msg'])}"
    known = [
        field.alias or name
        for section in (DeploymentsFile, Deployment, WorkPool, Schedule)
        for name, field in section.model_fields.items()
    ]
    alike = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
    return f"{where}: unknown key" + (f", did you mean {alike[0]!r}?" if alike else "")


def _one_line(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")
