"""`zoe health`: exit code 0 when every program does its work, 1 when not.

It runs every few seconds for as long as a container lives, so it reads one file and imports next
to nothing.
"""

from __future__ import annotations

import sys
import time

from appliance.errors import FAILURE_EXIT_CODE
from appliance.layout import Runtime
from appliance.supervisor.health import Health, read

POLL_SECONDS = 0.2


def health(*, quiet: bool, wait: float) -> int:
    """Judge the conductor's last report.

    Args:
        quiet: Say nothing when all is well.
        wait: Seconds to wait for all to be well.
    """
    runtime = Runtime.from_environment()
    until = time.monotonic() + wait
    found = read(runtime)
    while not (found and found.healthy) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        found = read(runtime)
    complaints = judge(found)
    for complaint in complaints:
        sys.stderr.write(f"{complaint}\n")
    if not complaints and not quiet:
        sys.stdout.write("healthy\n")
    return FAILURE_EXIT_CODE if complaints else 0


def judge(found: Health | None) -> list[str]:
    """Return what is wrong, a line each; nothing when all programs are ready."""
    if found is None:
        return ["Zoe is not running here, or its conductor is gone; see its log"]
    if not found.programs:
        return ["no program is watched here; see ZOE_COMPONENTS"]
    return [
        f"{name}: {program.detail}" for name, program in found.programs.items() if not program.ready
    ]
