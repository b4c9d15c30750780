"""What the runs of a deployment may use, as its file says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from appliance.worker.warm.limits import NAMES
from appliance.worker.warm.limits import Limits as LimitsOfARun

SIZES = {
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
DURATIONS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
# An interpreter with Prefect's engine holds 71 MB, before there is any flow. (3.8.8, measured)
LEAST_MEMORY = 128 * 10**6
# What Prefect itself opens, with some of the flow's own.
LEAST_FILES = 64


def _with_unit(value: object, units: Mapping[str, int], whole: str, examples: str) -> int:
    # A bare number is a question: YAML itself makes 90 of `1:30`.
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", value) if isinstance(value, str) else None
    factor = units.get(found[2].lower()) if found else None
    if found is None or factor is None:
        raise ValueError(f"needs a number with a unit, such as {examples}")
    number = Fraction(found[1]) * factor
    if number < 1 or number.denominator != 1:
        raise ValueError(f"is '{value}', which is no whole number of {whole}")
    return int(number)


def _as_bytes(value: object) -> int:
    size = _with_unit(value, SIZES, "bytes", "512MB or 2GiB")
    if size < LEAST_MEMORY:
        least = f"{LEAST_MEMORY // 10**6}MB"
        raise ValueError(f"is less than {least}; Prefect alone takes most of that")
    return size


def _as_seconds(value: object) -> int:
    return _with_unit(value, DURATIONS, "seconds", "90s, 15m or 2h")


Size = Annotated[int | None, BeforeValidator(_as_bytes)]
Duration = Annotated[int | None, BeforeValidator(_as_seconds)]


class Limits(BaseModel):
    """The key `limits` of a deployment; see `appliance.worker.warm.limits`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory: Size = None
    cpu: Duration = None
    open_files: int | None = Field(default=None, strict=True, ge=LEAST_FILES)
    nice: int | None = Field(default=None, strict=True, ge=0, le=19)
    time: Duration = None

    def of_a_run(self) -> LimitsOfARun:
        """Return them as a run's launcher takes them."""
        given = {name: getattr(self, name) for name in NAMES}
        return LimitsOfARun({name: value for name, value in given.items() if value is not None})
