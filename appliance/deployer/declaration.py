"""What a `deployments/*.yaml` may say: Prefect's `prefect.yaml` form, read strictly.

Prefect ignores a key that it does not know; here it is a mistake with a line number. The keys are
those of Prefect 3.8 (`prefect.cli.deploy._models`, read). What `prefect deploy` does beyond
registering a deployment - building images, pushing code - is not the deployer's work.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

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


class Deployment(Strict):
    """One deployment of the file."""

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

    @field_validator("entrypoint")
    @classmethod
    def _file_and_function(cls, value: str) -> str:
        path, _, function = value.rpartition(":")
        if not path or not function:
            raise ValueError(f"'{value}' is not of the form path/to/file.py:function")
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

    def all_schedules(self) -> list[Schedule]:
        """Return the schedules, in whichever way the file gives them."""
        return self.schedules or ([self.schedule] if self.schedule else [])


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
