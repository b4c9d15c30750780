"""The sign of life of each run, on the server: a label that changes while the run has a process.

A worker writes it for every run that it has taken, the first time along with the labels that
Prefect's worker gives to a run, and takes it back some time after the run has ended. When
a machine dies, the labels of its runs stand still, which the server's machine sees
(`appliance.maintenance.watch`). Only whether the value changes counts, so that no two clocks need
to agree; it is a time for whoever reads it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from appliance.api import Api
from appliance.worker import mark
from appliance.worker.dependents import PAGE
from appliance.worker.ledger import Entry, Ledger
from appliance.worker.overdue import Overdue, cancel
from appliance.worker.settling import UNSETTLED

# So many chances to be heard has a worker before its runs count as lost.
BEATS_TO_BE_LOST = 4


def interval(lost_after: int) -> float:
    """Return the seconds between two beats."""
    return lost_after / BEATS_TO_BE_LOST


def present(entries: Iterable[Entry], mine: Collection[str]) -> list[str]:
    """Return the runs of a ledger that have a process, or are about to get one.

    Args:
        entries: What the ledger holds; an earlier worker's runs whose process lives are among them.
        mine: The runs of the worker that asks: it starts those that have no process yet.
    """
    return [
        entry.flow_run_id
        for entry in entries
        if entry.is_alive() or (not entry.pid and entry.flow_run_id in mine)
    ]


class Attendance:
    """Shows the runs of one machine to be alive.

    Args:
        api: The server.
        ledger: What was taken here.
        interval: Seconds between two rounds.
    """

    def __init__(self, api: Api, ledger: Ledger, interval: float) -> None:
        self._api = api
        self._ledger = ledger
        self._shown: set[str] = set()
        self._marked: set[str] = set()
        self._overdue = Overdue()
        self.interval = interval

    def show(self, mine: Collection[str], *, everyone: bool, marked: Collection[str] = ()) -> None:
        """Mark the runs that have a process.

        Args:
            mine: The runs of the worker that asks.
            everyone: Also those that were marked before; otherwise only newcomers. In such a round
                one that should have been cancelled long ago is ended, and the marks of those that
                have left the ledger are taken back: soon enough for nobody to take one for lost,
                and not while each request counts.
            marked: The runs that were marked as they were taken, since the last time.

        Raises:
            ZoeError: The server is away; what is left is for the next time.
        """
        self._marked.update(marked)
        entries = {entry.flow_run_id: entry for entry in self._ledger.entries()}
        here = present(entries.values(), mine)
        self._shown.update(marked)
        self._shown.intersection_update(here)
        due = [run for run in here if everyone or run not in self._shown]
        going_on = [run for run in self._known(due) if run["state_type"] in UNSETTLED]
        for run in going_on:
            self._marked.add(run["id"])
            mark.put(self._api, run, self._ledger.identity)
        self._shown.update(due)
        if everyone:
            self._take_back(self._marked - entries.keys())
            cancelling = [run["id"] for run in going_on if run["state_type"] == "CANCELLING"]
            for run_id in self._overdue.among(cancelling, time.monotonic()):
                cancel(self._api, entries[run_id])

    def _take_back(self, left: set[str]) -> None:
        known = {run["id"]: run for run in self._known(sorted(left))}
        for run_id in left:
            run = known.get(run_id)
            if run and run["state_type"] in UNSETTLED:
                # Its end could not be reported. Its mark, standing still, is what will settle it.
                continue
            if run and mark.ledger(run) == self._ledger.identity:
                mark.take_back(self._api, run)
            self._marked.discard(run_id)

    def _known(self, run_ids: list[str]) -> Iterator[Mapping[str, Any]]:
        """Yield those that the server knows.

        One that was deleted meanwhile must not keep the others from being marked.
        """
        for first in range(0, len(run_ids), PAGE):
            some = {"id": {"any_": run_ids[first : first + PAGE]}}
            yield from self._api.post("/flow_runs/filter", {"flow_runs": some})
