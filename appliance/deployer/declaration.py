"""What a `deployments/*.yaml` may say: Prefect's `prefect.yaml` form, read strictly, and more.

Prefect ignores a key that it does not know; here it is a mistake with a line number. The keys are
those of Prefect 3.8 (`prefect.cli.deploy._models`, read). What `prefect deploy` does beyond
registering a deployment - building images, pushing code - is not the deployer's work.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from appliance.deployer.limits import Limits

SLUG_DIGEST_LENGTH = 8


class Strict(BaseModel):
    """A part of the file in which every key must be known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(Strict):
    """When a deployment runs: exactly one of `cron`, `interval` and `rrule`."""

    cron: str | None = None
    interval: timedelta | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime | None = None
    day_or: bool | None = None
    active: bool | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None

    @field_validator("cron")
    @classmethod
    def _valid_cron(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("@"):
            try:
                CronSim(value, datetime(2000, 1, 1))  # noqa: DTZ001 - any moment serves
            except CronSimError as error:
                raise ValueError(f"'{value}' is not a cron expression: {error}") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"'{value}' is not a time zone such as Europe/Berlin") from None
        return value

    @field_validator("interval")
    @classmethod
    def _positive_interval(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value <= timedelta(0):
            raise ValueError("is not a positive number of seconds")
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.cron, self.interval, self.rrule)) != 1:
            raise ValueError("a schedule needs exactly one of cron, interval and rrule")
        return self

    def rule(self) -> dict[str, Any]:
        """Return the schedule as Prefect's API takes it, with the defaults written out."""
        timezone = self.timezone or "UTC"
        if self.cron is not None:
            return {"cron": self.cron, "timezone": timezone, "day_or": self.day_or is not False}
        if self.rrule is not None:
            return {"rrule": self.rrule, "timezone": timezone}
        assert self.interval is not None  # noqa: S101 - `_exactly_one` has seen to it
        rule: dict[str, Any] = {"interval": self.interval.total_seconds(), "timezone": timezone}
        if self.anchor_date is not None:
            anchor = self.anchor_date
            rule["anchor_date"] = (
                anchor if anchor.tzinfo else anchor.replace(tzinfo=ZoneInfo(timezone))
            ).isoformat()
        return rule

    def identity(self) -> str:
        """Return the slug by which it is found again; made from its rule where it has none."""
        if self.slug:
            return self.slug
        digest = hashlib.sha256(json.dumps(self.rule(), sort_keys=True).encode()).hexdigest()
        return f"schedule-{digest[:SLUG_DIGEST_LENGTH]}"


class ConcurrencyLimit(Strict):
    """How many runs of one deployment may run at once, and what happens to the next one."""

    limit: int = Field(gt=0)
    collision_strategy: str | None = None
    grace_period_seconds: int | None = None

    @field_validator("collision_strategy")
    @classmethod
    def _known_strategy(cls, value: str | None) -> str | None:
        if value not in {None, "ENQUEUE", "CANCEL_NEW"}:
            raise ValueError("is neither ENQUEUE nor CANCEL_NEW")
        return value


class WorkPool(Strict):
    """Where a deployment's runs are executed."""

    name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) and value else value


def _as_limit(value: object) -> object:
    return {"limit": value} if isinstance(value, int | float | str) else value


Steps = Annotated[list[dict[str, Any]] | None, BeforeValidator(_as_list)]


def _as_texts(value: object) -> object:
    """Write numbers as an environment holds them; YAML reads `8080` and `true` as no text."""
    if not isinstance(value, dict):
        return value
    return {
        name: json.dumps(one) if isinstance(one, bool | int | float) else one
        for name, one in value.items()
    }


class Deployment(Strict):
    """One deployment of the file; the last keys but `triggers` and `sla` are Zoe's own."""

    name: str = Field(min_length=1)
    entrypoint: str
    flow_name: str | None = None
    version: str | None = None
    version_type: str | None = None
    tags: list[str] = Field(default_factory=list)
    description: str | None = None
    schedule: Schedule | None = None
    schedules: list[Schedule] | None = None
    paused: bool | None = None
    concurrency_limit: Annotated[ConcurrencyLimit | None, BeforeValidator(_as_limit)] = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    enforce_parameter_schema: bool = True
    pull: Steps = None
    work_pool: WorkPool = Field(default_factory=WorkPool)
    build: Steps = None
    push: Steps = None
    triggers: list[dict[str, Any]] | None = None
    sla: list[dict[str, Any]] | None = None
    enabled: bool = True
    image: str | None = None
    env: Annotated[dict[str, str], BeforeValidator(_as_texts)] = Field(default_factory=dict)
    secret_env: dict[str, str] = Field(default_factory=dict)
    limits: Limits | None = None

    @field_validator("entrypoint")
    @classmethod
    def _file_and_function(cls, value: str) -> str:
        path, _, function = value.rpartition(":")
        if not path or not function:
            raise ValueError(f"'{value}' is not of the form path/to/file.py:function")
        if path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise ValueError(f"'{value}' leaves the project")
        return value

    @field_validator("build", "push", "triggers", "sla")
    @classmethod
    def _not_our_work(cls, value: list[Any] | None) -> list[Any] | None:
        if value:
            raise ValueError("is not carried out by Zoe's deployer; use `prefect deploy` for it")
        return value

    @field_validator("name", "flow_name")
    @classmethod
    def _prefect_name(cls, value: str | None) -> str | None:
        if value is not None and any(character in value for character in "/%&><"):
            raise ValueError("holds one of / % & > <")
        return value

    @model_validator(mode="after")
    def _one_way_to_schedule(self) -> Self:
        if self.schedule is not None and self.schedules is not None:
            raise ValueError("has both schedule and schedules; keep schedules")
        identities = [schedule.identity() for schedule in self.all_schedules()]
        if len(set(identities)) < len(identities):
            raise ValueError("has two schedules with one slug")
        return self

    @field_validator("env", "secret_env")
    @classmethod
    def _environment_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"has '{name}', which is no name of an environment variable")
        return value

    @field_validator("secret_env")
    @classmethod
    def _names_of_blocks(cls, value: dict[str, str]) -> dict[str, str]:
        for name, block in value.items():
            # Not a word of it: it may be the secret itself.
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", block):
                raise ValueError(f"needs for '{name}' the name of a block of type Secret")
        return value

    @model_validator(mode="after")
    def _one_way_into_the_environment(self) -> Self:
        twice = sorted(self.env.keys() & self.secret_env.keys())
        if twice:
            raise ValueError(f"has '{twice[0]}' in both env and secret_env")
        return self

    @model_validator(mode="after")
    def _limits_of_a_process_that_we_start(self) -> Self:
        if self.limits is not None and self.image is not None:
            raise ValueError("has limits, which are for processes, and image, which is not")
        if self.limits is not None and "command" in self.work_pool.job_variables:
            raise ValueError(
                "has limits, and in job_variables a command of its own; limits need Zoe's"
            )
        return self

    @property
    def job_variables(self) -> dict[str, Any]:
        """What its runs are started with, in Prefect's words.

        Prefect's worker puts the value of a block in place of a reference to it when it starts a
        run; the deployment itself holds the reference. (3.8.8)
        """
        given = dict(self.work_pool.job_variables)
        secrets = {
            name: f"{{{{ prefect.blocks.secret.{block} }}}}"
            for name, block in self.secret_env.items()
        }
        if self.env or secrets:
            given["env"] = {**(given.get("env") or {}), **self.env, **secrets}
        if self.image is not None:
            given["image"] = self.image
        return given

    @property
    def checked_parameters(self) -> dict[str, Any]:
        """The parameters, as far as the flow's own word on them is wanted."""
        return self.parameters if self.enforce_parameter_schema else {}

    def all_schedules(self) -> list[Schedule]:
        """Return the schedules, in whichever way the file gives them."""
        return self.schedules or ([self.schedule] if self.schedule else [])


PREFECT_NAME = r"^[^/%&><]+$"


class WorkQueue(Strict):
    """A queue of a work pool."""

    name: str = Field(pattern=PREFECT_NAME)
    description: str | None = None
    priority: int | None = Field(default=None, gt=0)
    concurrency_limit: int | None = Field(default=None, ge=0)
    paused: bool = False


class WorkPoolObject(Strict):
    """A work pool. What is left out is the server's: its default at first, then the operator's."""

    name: str = Field(pattern=PREFECT_NAME)
    type: str = "process"
    description: str | None = None
    concurrency_limit: int | None = Field(default=None, ge=0)
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    paused: bool = False
    work_queues: list[WorkQueue] = Field(default_factory=list)

    @model_validator(mode="after")
    def _distinct_queues(self) -> Self:
        names = [queue.name for queue in self.work_queues]
        if len(set(names)) < len(names):
            raise ValueError("has two queues of one name")
        return self


class GlobalLimit(Strict):
    """A global concurrency limit; with a decay it is a rate limit."""

    name: str = Field(pattern=PREFECT_NAME)
    limit: int = Field(ge=0)
    slot_decay_per_second: float = Field(default=0.0, ge=0)
    active: bool = True


class TagLimit(Strict):
    """How many tasks with one tag run at once."""

    tag: str = Field(min_length=1)
    limit: int = Field(ge=0)


class Variable(Strict):
    """A variable: any JSON under a name."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", max_length=255)
    value: Any
    tags: list[str] = Field(default_factory=list)

    @field_validator("value")
    @classmethod
    def _json(cls, value: Any) -> Any:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError("is not of JSON's types; put a date in quotes") from None
        return value


class BlockObject(Strict):
    """A block: its type by slug, and its fields, for which see `appliance.deployer.given`."""

    type: str = Field(pattern=r"^[a-z0-9-]+$")
    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    fields: dict[str, Any] = Field(default_factory=dict)


class Automation(Strict):
    """An automation in Prefect's words; see `appliance.deployer.objects.automations`."""

    name: str = Field(min_length=1)
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: dict[str, Any]
    actions: list[dict[str, Any]] = Field(min_length=1)
    actions_on_trigger: list[dict[str, Any]] = Field(default_factory=list)
    actions_on_resolve: list[dict[str, Any]] = Field(default_factory=list)


class CatalogueFile(Strict):
    """A whole file; `name` and `prefect-version` are there for `prefect deploy` alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str | None = None
    prefect_version: str | None = Field(default=None, alias="prefect-version")
    definitions: Any = None
    build: Steps = None
    push: Steps = None
    pull: Steps = None
    deployments: list[Any] = Field(default_factory=list)
    work_pools: list[Any] = Field(default_factory=list)
    concurrency_limits: list[Any] = Field(default_factory=list)
    tag_concurrency_limits: list[Any] = Field(default_factory=list)
    variables: list[Any] = Field(default_factory=list)
    blocks: list[Any] = Field(default_factory=list)
    automations: list[Any] = Field(default_factory=list)
