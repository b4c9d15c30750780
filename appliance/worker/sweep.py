"""Settle what an earlier worker of this machine left behind, whatever it died of.

The ledger says which runs were taken. A run whose process is gone and whose state says otherwise
is settled; one whose process is still there, because only the worker died, is left to end by
itself and looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote

from appliance.api import Api
from appliance.worker.ledger import Entry, Ledger

REASON = "The process of the run is gone: its worker, its container or its machine died."


def sweep(
    ledger: Ledger,
    mine: Callable[[], Iterable[str]],
    settle: Callable[[Entry, str], str | None],
    say: Callable[[str], None],
) -> list[Entry]:
    """Settle every run of the ledger that is nobody's.

    Args:
        ledger: What was taken.
        mine: Tells the runs of the worker that asks; they are its own business. It is asked after
            the ledger was read, so that a run which begins meanwhile is not taken for another's.
        settle: Records the end of a run on the server.
        say: Told what was settled.

    Returns:
        The runs that still have a process of an earlier worker.

    Raises:
        WorldError: The server is away; what is left is for the next sweep.
    """
    entries = list(ledger.entries())
    own = set(mine())
    orphans = []
    for entry in entries:
        # Struck meanwhile: its worker has just put its end on record.
        if entry.flow_run_id in own or not ledger.holds(entry.flow_run_id):
            continue
        if entry.is_alive():
            orphans.append(entry)
            continue
        state = settle(entry, REASON)
        if state is not None:
            say(f"flow run {entry.flow_run_id} had lost its process: it is {state} now")
        ledger.strike(entry.flow_run_id)
    return orphans


def pending_without_process(api: Api, pool: str, worker: str) -> list[str]:
    """Return the runs of a pool that a worker has taken and not begun, where only we can be it.

    Between taking a run (PENDING) and noting it in the ledger a worker may die. While another
    worker of the pool is online the run may be its own, and is left alone.

    Args:
        api: The server.
        pool: The work pool.
        worker: The name of the worker that asks.

    Raises:
        WorldError: The server is away.
    """
    workers = api.post(f"/work_pools/{quote(pool)}/workers/filter", {})
    if any(other["status"] == "ONLINE" and other["name"] != worker for other in workers):
        return []
    runs = api.post(
        "/flow_runs/filter",
        {
            "flow_runs": {"state": {"type": {"any_": ["PENDING"]}}},
            "work_pools": {"name": {"any_": [pool]}},
            "limit": 200,
        },
    )
    return [run["id"] for run in runs]
