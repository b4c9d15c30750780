"""End the runs that somebody cancelled and nobody stopped.

Prefect's own watch for cancellations ends for good when the server is away for half a minute, and
the runs of a worker that died have none at all. Such a run would stay CANCELLING until it ends by
itself, which may be never.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress

from appliance.api import Api
from appliance.worker.dependents import end_dependents
from appliance.worker.ledger import Entry

# Prefect gives a run 30 s between SIGTERM and SIGKILL.
PATIENCE_SECONDS = 60.0
TERMINATE_SECONDS = 3.0
POLL_SECONDS = 0.05
CANCELLED = {
    "type": "CANCELLED",
    "message": "Cancelled, by Zoe: a minute after the request the process was still there.",
}


class Overdue:
    """Remembers since when runs have been waiting for their end."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def among(self, cancelling: Collection[str], now: float) -> list[str]:
        """Return those that have been waiting for too long.

        Args:
            cancelling: Every run that has a process here and shall be cancelled.
            now: A reading of the monotonic clock, in seconds.
        """
        self._since = {run: self._since.get(run, now) for run in cancelling}
        return [run for run, since in self._since.items() if now - since >= PATIENCE_SECONDS]


def cancel(api: Api, entry: Entry) -> None:
    """Put the end of a run on record, and then see to it.

    Raises:
        WorldError: The server is away; the run goes on.
    """
    # First of all, so that neither its engine nor its worker reports a crash.
    api.post(f"/flow_runs/{entry.flow_run_id}/set_state", {"state": CANCELLED, "force": True})
    _end(entry)
    end_dependents(api, entry.flow_run_id, "CANCELLED")


def _end(entry: Entry) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not entry.is_alive():
            return
        # It may end by itself just now.
        with suppress(ProcessLookupError):
            os.kill(entry.pid, number)
        deadline = time.monotonic() + TERMINATE_SECONDS
        while entry.is_alive() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
