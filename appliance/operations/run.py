"""`zoe run`: check everything, lay out what is needed, and become supervisord."""

from __future__ import annotations

import argparse
import json
import os
import sys

from appliance import credentials, exchange, exclusive, identity, preflight, stamp
from appliance.backup import scratch, staging
from appliance.database import postgres
from appliance.database.promotion import embedded as promotion
from appliance.files import make_private_dir, write_atomically
from appliance.layout import Layout, Runtime
from appliance.prefect_environment import local_host
from appliance.settings import Component, Configuration, DatabaseEngine, Settings, load
from appliance.supervisor import configuration, programs
from appliance.supervisor.programs import CONDUCTOR, MAINTENANCE, Program

PATIENCE_SECONDS = 5


def carry_out(_: argparse.Namespace) -> int:
    """Carry out the command line."""
    return run()


def run() -> int:
    """Replace this process by PID 1's supervisor; return only when that failed.

    Raises:
        OperatorError: Something is wrong with the settings or the ground; nothing was changed.
    """
    loaded = load()
    settings = loaded.settings
    layout, runtime = Layout(settings.data_dir), Runtime.from_environment()
    if exchange.is_pending(layout):
        # Before anything looks at data that is half the one and half the other.
        with exclusive.holding(layout):
            exchange.recover(layout)
    preflight.check(settings, layout, runtime, starting=True)
    os.umask(0o077)
    make_private_dir(layout.data)
    exclusive.lock(layout)
    promotion.recover(layout)
    scratch.remove_leftovers(layout.data, staging.RESTORE)
    prepare(loaded, layout, runtime)
    sys.stdout.flush()
    command = [*programs.PYTHON, "appliance.supervisor", str(layout.data)]
    os.execv(command[0], command)  # noqa: S606 - our own list of words; a shell has no part in it


def prepare(loaded: Configuration, layout: Layout, runtime: Runtime) -> None:
    """Make directories, secrets and the supervisor's configuration."""
    settings = loaded.settings
    for directory in (layout.data, layout.log_file.parent, runtime.root):
        make_private_dir(directory)
    for report in (
        runtime.health_report,
        runtime.deployer_report,
        runtime.fatal_report,
        runtime.flow_descriptions,
        runtime.opening,
    ):
        report.unlink(missing_ok=True)
    for program in (*Component, MAINTENANCE):
        runtime.heartbeat(program).unlink(missing_ok=True)
    identity.ensure_name(runtime)
    # Preflight has looked into every other database; in this one the server looks for blocks.
    unseen = settings.engine is DatabaseEngine.EMBEDDED_POSTGRES and layout.postgres_data.exists()
    credentials.ensure(settings, layout, with_key=not unseen)
    if Component.SERVER not in settings.runs_here:
        stamp.write(layout)
    planned = programs.plan(settings)
    write_atomically(runtime.plan, json.dumps(conductor_plan(settings, planned, runtime)))
    write_atomically(runtime.supervisor_configuration, configuration.render(planned, runtime))


def conductor_plan(
    settings: Settings, planned: tuple[Program, ...], runtime: Runtime
) -> dict[str, object]:
    """Return what the conductor needs to know; it does without the settings model."""
    plan: dict[str, object] = {
        "data": str(settings.data_dir),
        "ready_seconds": {
            program.name: program.ready_seconds for program in planned if program.name != CONDUCTOR
        },
        "server": {
            "host": local_host(settings),
            "port": settings.port,
            "tls": settings.tls,
            "base_path": settings.base_path,
        },
    }
    if programs.runs_here(Component.DATABASE, settings):
        plan["pg_isready"] = postgres.is_ready_command(
            postgres.find_bin_dir(settings.postgres_bin_dir),
            runtime.postgres_socket_dir,
            PATIENCE_SECONDS,
        )
    return plan
