"""`zoe worker drain` and `zoe worker resume`: take this machine out of work, and back."""

from __future__ import annotations

import argparse
import sys
import time

from appliance.errors import FAILURE_EXIT_CODE, OperatorError
from appliance.layout import Layout
from appliance.settings import Component, load
from appliance.worker import admission
from appliance.worker.ledger import Ledger

POLL_SECONDS = 0.5


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    return drain(wait=given.wait) if given.action == "drain" else resume()


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


def _layout() -> Layout:
    settings = load().settings
    if Component.WORKER not in settings.runs_here:
        raise OperatorError(
            "no worker runs here", where="ZOE_COMPONENTS", remedy="ask on a machine that has one"
        )
    return Layout(settings.data_dir)
