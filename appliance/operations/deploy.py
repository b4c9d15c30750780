"""`zoe deploy plan` and `zoe deploy apply`: what the projects declare, and what the server holds.

On the appliance itself they do what its deployer does all the time, now and visibly. With
`ZOE_API_URL` they deploy from elsewhere, from a laptop or a build pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from appliance import credentials
from appliance.api import Api
from appliance.deployer import preview
from appliance.deployer.assembly import assemble
from appliance.deployer.reconcile import Planned, Reconciler
from appliance.deployer.turn import turn
from appliance.errors import USAGE_EXIT_CODE
from appliance.layout import Layout, Runtime
from appliance.settings import Component, load
from appliance.worker import pool

CHANGES_EXIT_CODE = 3
COMPONENTS = "ZOE_COMPONENTS"


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    if "ZOE_API_URL" in os.environ:
        # Whoever deploys to another machine's server runs nothing here.
        os.environ.setdefault(COMPONENTS, Component.DEPLOYER)
    settings = load().settings
    runtime = Runtime.from_environment()
    api = Api(settings, credentials.read(settings, Layout(settings.data_dir)))
    # Before the flows are read, which takes seconds.
    api.get("/admin/version")
    # What a plan needs to be made is no part of it.
    say = _say_aside if given.action == "plan" else _say
    reconciler = assemble(settings, api, runtime, say, _nothing)
    with turn(runtime):
        if given.action == "plan":
            return plan(reconciler, as_json=given.json, exit_code=given.exit_code)
        if pool.ensure(api, settings.work_pool, warm_start=settings.warm_start):
            _say(f"made the work pool {settings.work_pool}")
        return apply(reconciler, allow_mass_delete=given.allow_mass_delete)


def plan(reconciler: Reconciler, *, as_json: bool, exit_code: bool) -> int:
    """Print what an apply would do; return 2 with problems, and 3 with changes where asked for.

    Raises:
        WorldError: The server is away.
    """
    planned = reconciler.plan()
    if as_json:
        sys.stdout.write(json.dumps(preview.to_json(planned), indent=2, default=str) + "\n")
    else:
        sys.stdout.write(preview.text(planned, colour=_has_colour()))
    _tell_problems(planned)
    if planned.problems:
        return USAGE_EXIT_CODE
    return CHANGES_EXIT_CODE if exit_code and planned.plan.steps else 0


def apply(reconciler: Reconciler, *, allow_mass_delete: bool) -> int:
    """Do it, and say what was done; return 2 where a part could not be done.

    Raises:
        WorldError: The server is away.
    """
    report = reconciler.run_pass(allow_mass_delete=allow_mass_delete)
    for problem in report.problems:
        sys.stderr.write(f"zoe: {problem}\n")
    _say(f"{len(report.deployments)} deployments are as declared")
    return USAGE_EXIT_CODE if report.problems else 0


def _tell_problems(planned: Planned) -> None:
    for problem in planned.problems:
        sys.stderr.write(f"zoe: {problem}\n")


def _has_colour() -> bool:
    """Tell whether to use colour: on a terminal, unless its user wants none (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _say_aside(line: str) -> None:
    sys.stderr.write(line + "\n")


def _nothing() -> None:
    """Stand in for a heartbeat; nobody watches over a command."""
