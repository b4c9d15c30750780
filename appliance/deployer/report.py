"""What the last pass did, for `zoe status` and for whoever asks why something is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from appliance.deployer.problems import Problem
from appliance.files import read_json, write_json
from appliance.layout import Runtime


@dataclass(frozen=True)
class Report:
    """The outcome of one pass.

    Attributes:
        at: When it ended, in ISO 8601, UTC.
        deployments: The names of all that is declared, valid and on the server.
        problems: By file, line and cause, in words.
    """

    at: str
    deployments: tuple[str, ...]
    problems: tuple[str, ...]

    @classmethod
    def of(cls, deployments: Iterable[str], problems: Iterable[Problem]) -> Report:
        """Put together the outcome of a pass that ends now."""
        return cls(
            datetime.now(UTC).isoformat(timespec="seconds"),
            tuple(sorted(deployments)),
            tuple(map(str, problems)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is written and as `zoe status --json` shows it."""
        return {
            "at": self.at,
            "deployments": list(self.deployments),
            "problems": list(self.problems),
        }


def write(runtime: Runtime, report: Report) -> None:
    """Leave the report where `zoe status` finds it."""
    write_json(runtime.deployer_report, report.to_json())


def read(runtime: Runtime) -> Report | None:
    """Return the last pass's report; None before the first one has ended."""
    found = read_json(runtime.deployer_report)
    if found is None:
        return None
    return Report(found["at"], tuple(found["deployments"]), tuple(found["problems"]))
