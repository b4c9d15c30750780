"""Settle the runs of machines that died: the watch that the server's machine keeps.

Which runs are watched: those that carry a worker's mark (`appliance.worker.attendance`), and those
of our pool that a worker took and never marked, because it died in that very moment. Everything
else - a flow started by hand, a subflow, a paused run, one that a stock worker has after ours - has
no machine of ours behind it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from appliance.api import Api
from appliance.errors import WorldError, ZoeError
from appliance.log import say
from appliance.maintenance.lost_runs import LostRuns, Seen
from appliance.settings import Settings
from appliance.worker import mark
from appliance.worker.dependents import PAGE
from appliance.worker.settling import UNSETTLED, Policy, settle

LOOK_SECONDS = 10.0


class Watch:
    """Watches the runs of all machines; one watch a server is enough.

    Args:
        settings: Of the server's machine: what becomes of lost runs, and after how long.
        api: The server.
    """

    def __init__(self, settings: Settings, api: Api) -> None:
        self._api = api
        self._policy = Policy(settings.on_crash, settings.max_reschedules)
        self._pool = settings.work_pool
        self._lost = LostRuns(settings.lost_after)
        self._reason = (
            "Its machine or its worker is gone: there was no sign of life for "
            f"{settings.lost_after} s (ZOE_LOST_AFTER)."
        )

    def keep(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            time.sleep(LOOK_SECONDS)

    def look(self, now: float | None = None) -> None:
        """Look once, and settle what is lost. An absent server raises nothing: nothing is lost yet.

        Args:
            now: A reading of the monotonic clock; left out, the present one.
        """
        try:
            seen = list(_worth_watching(_going_on(self._api), self._pool))
        except ZoeError:
            self._lost.forget()
            return
        for run in self._lost.step(seen, time.monotonic() if now is None else now):
            try:
                state = settle(self._api, run, self._policy, self._reason)
            except WorldError as error:
                say(f"lost flow run {run} is for the next look: {error}", "WARNING")
                continue
            if state is not None:
                say(f"flow run {run} has lost its machine: it is {state} now", "WARNING")


def _worth_watching(runs: Iterable[Mapping[str, Any]], pool: str) -> Iterator[Seen]:
    for run in runs:
        beat = mark.beat(run)
        # A stock worker in our pool leaves no mark; once its run has a process, it says so. What
        # a run that we had before says is of that time.
        taken_and_dropped = (
            run["state_type"] == "PENDING"
            and run["work_pool_name"] == pool
            and (not run["infrastructure_pid"] or mark.was_taken_back(run))
        )
        if beat or taken_and_dropped:
            # Each state is a sign of life as well: a run that is tried again carries an old mark.
            yield Seen(run["id"], f"{run['state_id']} {beat}")


def _going_on(api: Api) -> Iterator[Mapping[str, Any]]:
    body = {
        "flow_runs": {"state": {"type": {"any_": sorted(UNSETTLED)}}},
        # A run that begins meanwhile comes first and moves none to a page that was read already.
        "sort": "ID_DESC",
        "limit": PAGE,
    }
    offset = 0
    while page := api.post("/flow_runs/filter", {**body, "offset": offset}):
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE
