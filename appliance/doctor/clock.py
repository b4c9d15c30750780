"""Clocks: whether this machine's jumped, and whether it agrees with server and database."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from appliance.doctor.finding import Finding, warning, well
from appliance.doctor.patient import Patient
from appliance.doctor.words import duration
from appliance.worker.ledger import start_ticks

CHECK = "clock"
# What NTP corrects in small steps stays far below; the Date header counts whole seconds.
JUMP_SECONDS = 30.0
DIFFERENCE_SECONDS = 10.0
NTP = "set the clocks by NTP"


def look(patient: Patient) -> Iterator[Finding]:
    """Look for a clock that was set while Zoe ran, or that is older than what it has written."""
    newest = _newest(patient.layout.stamp, patient.layout.log_file, patient.layout.sqlite_file)
    if newest - patient.now > JUMP_SECONDS:
        yield warning(
            CHECK,
            f"the clock is {duration(newest - patient.now)} behind the newest file of Zoe's",
            f"{NTP}: runs that are scheduled wait until it has caught up",
        )
    programs = patient.health.programs if patient.health else {}
    started = {name: (program.pid, program.started) for name, program in programs.items()}
    jumps = jumped(started, patient.now)
    if jumps:
        name, seconds = max(jumps.items(), key=lambda item: abs(item[1]))
        direction = "forward" if seconds > 0 else "back"
        yield warning(
            CHECK,
            f"the clock was set {direction} by {duration(abs(seconds))} since {name} started",
            "where it is right now, restart Zoe at a quiet moment, so that everything counts anew; "
            f"else {NTP}",
        )


def jumped(started: Mapping[str, tuple[int, float]], now: float) -> dict[str, float]:
    """Return by how many seconds the wall clock has moved against the time since boot.

    The kernel keeps the start of a process in time since boot, which nobody can set; supervisord
    keeps it in wall time. (proc_pid_stat(5), field 22; time(7), CLOCK_BOOTTIME.)

    Args:
        started: By program, its process and the start by supervisord's word (wall clock).
        now: The wall clock.
    """
    found = {}
    boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    for name, (pid, by_wall) in started.items():
        ticks = start_ticks(pid) if pid else None
        if ticks is None:
            continue
        age_by_boot = boot - ticks / os.sysconf("SC_CLK_TCK")
        difference = (now - by_wall) - age_by_boot
        if abs(difference) > JUMP_SECONDS:
            found[name] = difference
    return found


def compare(whose: str, ahead: float) -> Finding:
    """Judge the difference of this machine's clock from another.

    Args:
        whose: The other one's owner.
        ahead: Seconds by which this machine's is ahead of it.
    """
    if abs(ahead) <= DIFFERENCE_SECONDS:
        return well(CHECK, f"it agrees with {whose}'s")
    direction = "ahead of" if ahead > 0 else "behind"
    return warning(
        CHECK, f"this machine's clock is {duration(abs(ahead))} {direction} {whose}'s", NTP
    )


def _newest(*paths: Path) -> float:
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)
