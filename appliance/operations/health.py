"""`zoe health`: exit code 0 when every program does its work, 1 when not.

What failed that no flow run needs, such as a backup, is said and counts with `--strict` only: a
restart by whoever watches would not mend it.

It runs every few seconds for as long as a container lives, so it reads one file and imports next
to nothing.
"""

from __future__ import annotations

import argparse
import sys
import time

from appliance.errors import FAILURE_EXIT_CODE
from appliance.layout import Runtime
from appliance.supervisor.health import Health, read

POLL_SECONDS = 0.2


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    return health(quiet=given.quiet, wait=given.wait, strict=given.strict)


def health(*, quiet: bool, wait: float, strict: bool = False) -> int:
    """Judge the conductor's last report.

    Args:
        quiet: Say nothing when all is well.
        wait: Seconds to wait for all to be well.
        strict: Let what is degraded count as unhealthy.
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
    degraded = found.degraded if found else ()
    for reason in degraded:
        sys.stderr.write(f"degraded: {reason}\n")
    if not complaints and not degraded and not quiet:
        sys.stdout.write("healthy\n")
    return FAILURE_EXIT_CODE if complaints or (strict and degraded) else 0


def judge(found: Health | None) -> list[str]:
    """Return what is wrong, a line each; nothing when all programs are ready."""
    if found is None:
        return ["Zoe is not running here, or its conductor is gone; see its log"]
    if not found.programs:
        return ["no program is watched here; see ZOE_COMPONENTS"]
    return [
        f"{name}: {program.detail}" for name, program in found.programs.items() if not program.ready
    ]
