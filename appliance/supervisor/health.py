"""The health of the appliance as the conductor reports it and `zoe health` judges it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from appliance.files import read_json
from appliance.layout import Runtime
from appliance.supervisor.conducting import Observation

# The conductor renews its report every two seconds; one slow probe of each program may come on top.
STALE_SECONDS = 30


@dataclass(frozen=True)
class ProgramHealth:
    """One program's health.

    Attributes:
        state: supervisord's name for its state.
        pid: Its process id; 0 when there is none.
        started: When that process started, in seconds since the epoch.
        ready: Whether it does its work.
        detail: Why not; empty when it is ready.
    """

    state: str
    pid: int
    started: float
    ready: bool
    detail: str


@dataclass(frozen=True)
class Health:
    """The health of all programs at one moment.

    Attributes:
        programs: By name, in start order.
        at: The moment, as a reading of the monotonic clock.
        degraded: What failed that no flow run needs, such as a backup; a line each.
    """

    programs: Mapping[str, ProgramHealth]
    at: float
    degraded: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        seen: Mapping[str, Observation],
        processes: Mapping[str, Mapping[str, Any]],
        degraded: Sequence[str] = (),
    ) -> Health:
        """Put together what was seen of each program."""
        programs = {
            name: ProgramHealth(
                state=observation.state,
                pid=observation.pid,
                started=float(processes[name]["start"]),
                ready=observation.ready,
                detail=observation.detail,
            )
            for name, observation in seen.items()
        }
        return cls(programs, time.monotonic(), tuple(degraded))

    @property
    def healthy(self) -> bool:
        """Whether every program is ready."""
        return bool(self.programs) and all(program.ready for program in self.programs.values())

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is written."""
        return asdict(self)


def read(runtime: Runtime) -> Health | None:
    """Return the conductor's last report; None when there is none or it is stale."""
    report = read_json(runtime.health_report)
    # One from the future was left by a system that has been rebooted since.
    if report is None or not 0 <= time.monotonic() - report["at"] <= STALE_SECONDS:
        return None
    programs = {name: ProgramHealth(**program) for name, program in report["programs"].items()}
    return Health(programs, report["at"], tuple(report.get("degraded", ())))
