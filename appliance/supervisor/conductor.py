"""The program `conductor`: starts the others when it is their turn and watches over them.

It looks, decides (`conducting`), acts, and leaves what it saw where `zoe health` and `zoe status`
find it. Should it die, supervisord starts it anew, and it goes on from what it sees.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from appliance.errors import WorldError
from appliance.files import write_json
from appliance.layout import Runtime
from appliance.log import say
from appliance.supervisor import fatal, probes
from appliance.supervisor.conducting import (
    UP,
    BecameReady,
    Conductor,
    GiveUp,
    Observation,
    Restart,
    Start,
)
from appliance.supervisor.control import Control
from appliance.supervisor.health import Health

# Quick while somebody waits for a start, slow at rest.
STARTING_STEP_SECONDS = 0.25
STEADY_STEP_SECONDS = 2.0


def main() -> int:
    """Conduct until SIGTERM, which ends this process by the kernel's default."""
    runtime = Runtime.from_environment()
    ready_seconds, program_probes = probes.from_plan(runtime)
    degradations = probes.degradations_from_plan(runtime)
    control = Control(runtime)
    conductor = Conductor(ready_seconds)
    began = time.monotonic()
    was_healthy = False
    while True:
        try:
            processes = control.processes()
            seen = observe(processes, program_probes)
            actions = conductor.step(seen, time.monotonic())
            health = Health.of(seen, processes, degradations())
            write_json(runtime.health_report, health.to_json())
            for action in actions:
                carry_out(action, control, runtime)
        except (WorldError, OSError) as error:
            # Said at every turn: without a report nobody can tell how things are.
            say(f"cannot conduct: {error}", "ERROR")
            health = Health(programs={}, at=time.monotonic())
        if health.healthy and not was_healthy:
            say(f"all programs are ready, {time.monotonic() - began:.1f} s after the start")
        was_healthy = health.healthy
        time.sleep(STEADY_STEP_SECONDS if health.healthy else STARTING_STEP_SECONDS)


def observe(
    processes: Mapping[str, Mapping[str, Any]], program_probes: Mapping[str, probes.Probe]
) -> dict[str, Observation]:
    """Look at every program: its state by supervisord's word, the rest by its probe."""
    seen = {}
    for name, probe in program_probes.items():
        state, pid = str(processes[name]["statename"]), int(processes[name]["pid"])
        finding = (
            probe(pid)
            if state in UP
            else probes.Finding(alive=False, ready=False, detail=_described(state))
        )
        seen[name] = Observation(state, pid, *finding)
    return seen


def carry_out(
    action: Start | Restart | GiveUp | BecameReady, control: Control, runtime: Runtime
) -> None:
    """Do what was decided, and say so."""
    match action:
        case Start(program):
            control.start(program)
        case Restart(program, reason):
            say(f"restarting {program}: {reason}")
            control.stop(program)
        case GiveUp(program, reason):
            fatal.record(runtime, fatal.Fatal(program, reason, ""))
            control.shutdown()
        case BecameReady(program, seconds):
            say(f"{program} is ready after {seconds:.1f} s")


def _described(state: str) -> str:
    return {
        "STOPPED": "waits for the programs before it",
        "BACKOFF": "ended right after its start and is tried again",
        "EXITED": "has ended and is started again",
        "STOPPING": "is stopping",
    }.get(state, f"is in state {state}")


if __name__ == "__main__":
    sys.exit(main())
