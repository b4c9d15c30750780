"""`zoe status`: what runs, since when, where it is reached, and what is deployed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from appliance.deployer import report as deployer_report
from appliance.errors import FAILURE_EXIT_CODE
from appliance.layout import Layout, Runtime
from appliance.operations.version import versions
from appliance.prefect_environment import browser_url
from appliance.settings import Component, Settings, load
from appliance.supervisor import health
from appliance.worker import admission
from appliance.worker.ledger import Ledger

SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3600


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    return status(as_json=given.json)


def status(*, as_json: bool) -> int:
    """Print the state of the appliance; return 0 when it is healthy and 1 when not.

    Raises:
        OperatorError: The settings are wrong.
    """
    found = collect(load().settings, Runtime.from_environment())
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if as_json else rendered(found))
    return 0 if found["healthy"] else FAILURE_EXIT_CODE


def collect(settings: Settings, runtime: Runtime) -> dict[str, Any]:
    """Gather what there is to say, as `--json` prints it."""
    now = time.time()
    seen = health.read(runtime)
    found: dict[str, Any] = {
        "versions": versions(),
        "running": seen is not None,
        "healthy": seen is not None and seen.healthy,
        "degraded": list(seen.degraded) if seen else [],
        "url": browser_url(settings),
        "user": settings.admin_user if settings.auth else None,
        "password_file": _password_file(settings),
        "database": settings.engine.value,
        "programs": {
            name: {
                "state": program.state,
                "ready": program.ready,
                "pid": program.pid or None,
                "seconds": round(now - program.started) if program.pid else None,
                "detail": program.detail,
            }
            for name, program in (seen.programs if seen else {}).items()
        },
    }
    found["worker"] = _worker(settings)
    deployed = deployer_report.read(runtime)
    found["deployer"] = deployed.to_json() if deployed else None
    return found


def rendered(found: dict[str, Any]) -> str:
    """Return the same for a person."""
    if not found["running"]:
        return "Zoe is not running here; start it with: zoe run\n"
    state = "healthy" if found["healthy"] else "NOT healthy"
    lines = [f"Zoe {found['versions']['zoe']} is {state}: {found['url']}"]
    if found["user"]:
        lines.append(f"user {found['user']}, password in {found['password_file']}")
    lines += [f"degraded: {reason}" for reason in found["degraded"]]
    lines.append("")
    for name, program in found["programs"].items():
        mark = "ready" if program["ready"] else "NOT READY"
        since = f"for {_duration(program['seconds'])}" if program["seconds"] is not None else ""
        pid = f"pid {program['pid']}" if program["pid"] else ""
        lines.append(f"  {name:<10} {mark:<10} {pid:<10} {since}  {program['detail']}".rstrip())
    worker = found["worker"]
    if worker and (worker["flow_runs"] or not worker["takes_runs"]):
        door = "" if worker["takes_runs"] else "; takes no more: zoe worker resume"
        lines += ["", f"{worker['flow_runs']} flow runs are going on here{door}"]
    deployer = found["deployer"]
    if deployer:
        lines += ["", f"{len(deployer['deployments'])} deployments, as of {deployer['at']}"]
        lines += [f"  {name}" for name in deployer["deployments"]]
        if deployer["problems"]:
            lines += ["", "The deployer could not do all of its work:"]
            lines += [f"  {problem}" for problem in deployer["problems"]]
    return "\n".join(lines) + "\n"


def _worker(settings: Settings) -> dict[str, Any] | None:
    """Return what the worker here is at; None where there is none, or it has never run."""
    layout = Layout(settings.data_dir)
    if Component.WORKER not in settings.runs_here or not layout.ledger.exists():
        return None
    return {
        "takes_runs": admission.is_open(layout.drained),
        "flow_runs": len(list(Ledger(layout.ledger).entries())),
    }


def _password_file(settings: Settings) -> str | None:
    """Return where the generated password lies; None where it was given, or there is none."""
    generated = settings.auth and settings.admin_password is None
    if not generated or Component.SERVER not in settings.runs_here:
        return None
    return str(Layout(settings.data_dir).admin_password)


def _duration(seconds: int) -> str:
    if seconds < SECONDS_PER_MINUTE:
        return f"{seconds} s"
    if seconds < SECONDS_PER_HOUR:
        return f"{seconds // SECONDS_PER_MINUTE} min"
    hours = seconds // SECONDS_PER_HOUR
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"  # noqa: PLR2004 - two days
