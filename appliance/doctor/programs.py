"""The programs of this machine: all at work, and none that has to be started again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.patient import Patient
from appliance.doctor.words import HOUR, duration
from appliance.settings import Component
from appliance.supervisor import fatal
from appliance.supervisor.control import Control

CHECK = "programs"
LATELY_SECONDS = HOUR
NOT_RUNNING = "Zoe is not running here"


def look(patient: Patient) -> Iterator[Finding]:
    """Look at the conductor's report and at supervisord's memory of earlier ends.

    Raises:
        WorldError: supervisord does not answer.
    """
    if patient.health is None:
        ended = fatal.recorded(patient.runtime)
        why = f"; its last end was for {ended.program}: {ended.reason}" if ended else ""
        unseen = "; only its disk was looked at" if patient.has(Component.SERVER) else ""
        yield warning(CHECK, NOT_RUNNING + unseen + why, "start it: zoe run, or docker start")
        return
    findings = [
        problem(CHECK, f"{name} is not ready: {program.detail}", f"zoe logs {name} tells more")
        for name, program in patient.health.programs.items()
        if not program.ready
    ]
    with closing(Control(patient.runtime)) as control:
        findings += restarted(control.processes(), patient.now)
    yield from findings
    if not findings:
        yield well(CHECK, f"{', '.join(patient.health.programs)} are ready")


def restarted(processes: Mapping[str, Mapping[str, Any]], now: float) -> Iterator[Finding]:
    """Find programs that had ended and were started again lately.

    Args:
        processes: supervisord's description of each; `stop` is when it last ended, 0 for never.
            (supervisord's XML-RPC, getProcessInfo.)
        now: The wall clock.
    """
    for name, process in processes.items():
        ended = now - float(process["stop"])
        if process["stop"] and ended < LATELY_SECONDS:
            yield warning(
                CHECK,
                f"{name} ended {duration(max(ended, 0))} ago and was started again",
                f"zoe logs {name} tells why; this is forgotten after {duration(LATELY_SECONDS)}",
            )
