"""`zoe worker drain`, `resume` and `leave`: take this machine out of work, back, or for good."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from urllib.parse import quote

from appliance import credentials
from appliance.api import Api
from appliance.errors import FAILURE_EXIT_CODE, OperatorError
from appliance.layout import Layout, Runtime
from appliance.settings import Component, Settings, load
from appliance.supervisor import health
from appliance.worker import admission
from appliance.worker.__main__ import worker_name
from appliance.worker.ledger import Ledger

POLL_SECONDS = 0.5


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    match given.action:
        case "drain":
            return drain(wait=given.wait)
        case "leave":
            return leave()
        case _:
            return resume()


def drain(*, wait: float | None) -> int:
    """Let the worker here take no more runs; those that it has go on.

    Args:
        wait: Seconds to wait for them to end; None not to wait.

    Raises:
        OperatorError: No worker runs here.
    """
    layout = _layout()
    admission.close(layout.drained)
    ledger = Ledger(layout.ledger)
    left = len(list(ledger.entries()))
    sys.stdout.write(f"the worker takes no more runs; {left} are going on\n")
    if wait is None:
        return 0
    until = time.monotonic() + wait
    while left and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        now = len(list(ledger.entries()))
        if now != left:
            sys.stdout.write(f"{now} are going on\n")
            sys.stdout.flush()
        left = now
    if left:
        sys.stderr.write(f"{left} flow runs are still going on after {wait:g} s\n")
        return FAILURE_EXIT_CODE
    sys.stdout.write("the worker is drained\n")
    return 0


def resume() -> int:
    """Let the worker here take runs again.

    Raises:
        OperatorError: No worker runs here.
    """
    admission.reopen(_layout().drained)
    sys.stdout.write("the worker takes runs again\n")
    return 0


def leave() -> int:
    """Take the record of this machine's worker from the server; the worker must have stopped.

    Raises:
        OperatorError: No worker belongs here, or it still runs, or the server wants another
            password.
        WorldError: The server does not answer.
    """
    settings = _settings()
    seen = health.read(Runtime.from_environment())
    if seen is not None:
        raise OperatorError(
            "the worker here still runs",
            where="zoe status",
            remedy="zoe worker drain --wait, then stop Zoe here",
        )
    left = list(Ledger(Layout(settings.data_dir).ledger).entries())
    if left:
        raise OperatorError(
            f"{len(left)} flow runs of this worker have not been settled",
            where=str(Layout(settings.data_dir).ledger),
            remedy="start Zoe here once more, then zoe worker drain --wait, and stop it",
        )
    name = worker_name(settings)
    with closing(Api(settings, credentials.read(settings, Layout(settings.data_dir)))) as api:
        api.delete(f"/work_pools/{quote(settings.work_pool)}/workers/{quote(name)}")
    sys.stdout.write(f"the worker {name} has left the work pool {settings.work_pool}\n")
    return 0


def _layout() -> Layout:
    return Layout(_settings().data_dir)


def _settings() -> Settings:
    settings = load().settings
    if Component.WORKER not in settings.runs_here:
        raise OperatorError(
            "no worker runs here", where="ZOE_COMPONENTS", remedy="ask on a machine that has one"
        )
    return settings
