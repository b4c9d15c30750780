"""Flow runs that the server takes for alive and that have no process on this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from appliance.api import Api
from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.lateness import Here, Pool
from appliance.doctor.moments import seconds
from appliance.doctor.pools import PAGE
from appliance.layout import Layout
from appliance.worker.ledger import Ledger

CHECK = "running runs"
# The worker's sweep comes by every five seconds; between taking a run and noting it lies less.
SETTLED_SECONDS = 60.0
ALIVE = ["RUNNING", "CANCELLING", "PENDING"]


def look(api: Api, layout: Layout, pool: Pool | None, here: Here, now: float) -> Iterator[Finding]:
    """Compare the runs of our pool with the ledger.

    Where another worker of the pool is online, a run that the ledger does not know may be its own.

    Args:
        api: The server.
        layout: Where the ledger lies.
        pool: The pool that the worker here serves; None where none does, or it is gone.
        here: That worker.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    if pool is None or here.pool is None:
        return
    runs = api.post(
        "/flow_runs/filter",
        {
            "flow_runs": {
                "state": {"type": {"any_": ALIVE}},
                "parent_task_run_id": {"is_null_": True},
            },
            "work_pools": {"name": {"any_": [pool.name]}},
            "limit": PAGE,
        },
    )
    entries = list(Ledger(layout.ledger).entries()) if layout.ledger.is_dir() else []
    alive = {entry.flow_run_id for entry in entries if entry.is_alive()}
    dead = {entry.flow_run_id for entry in entries} - alive
    alone = not any(w.is_online and w.name != here.name for w in pool.workers)
    found = list(abandoned(runs, alive, dead, now, alone=alone))
    for run in found:
        yield problem(
            CHECK,
            f"the run {run['name']} ({run['id']}) is {run['state_name']}, and no process here has "
            "it",
            "the worker here settles such runs within seconds; if it does not, see zoe logs worker",
        )
    if not found:
        yield well(CHECK, f"{len(runs)}, each with its process")


def abandoned(
    runs: Iterable[dict[str, Any]],
    alive: Collection[str],
    dead: Collection[str],
    now: float,
    *,
    alone: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the runs without a process.

    Args:
        runs: Runs of the pool that the server takes for alive.
        alive: Those that have a process here.
        dead: Those that had one here.
        now: The server's clock.
        alone: Whether no other worker of the pool is online.
    """
    for run in runs:
        fresh = now - seconds(run["state"]["timestamp"]) < SETTLED_SECONDS
        if not fresh and run["id"] not in alive and (alone or run["id"] in dead):
            yield run
