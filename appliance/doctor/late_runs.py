"""Flow runs that are late, in groups that wait for the same thing, each with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.api import Api
from appliance.doctor.finding import Finding, warning, well
from appliance.doctor.lateness import (
    Deployment,
    Here,
    Limit,
    Pool,
    Queue,
    Reason,
    Waiting,
    explain,
)
from appliance.doctor.moments import seconds, written
from appliance.doctor.pools import PAGE, queues
from appliance.doctor.words import duration

CHECK = "late runs"
# The server's own threshold is 15 s; some more let a healthy worker be about to take it.
LATE_SECONDS = 20.0
# The oldest runs tell; a thousand behind them wait for the same.
LOOKED_AT = PAGE
# By the server's word these wait for their hour, not for a worker. (Prefect's names of states.)
NOT_WAITING = frozenset({"AwaitingRetry"})
AWAITS_SLOT = "AwaitingConcurrencySlot"


@dataclass(frozen=True)
class Place:
    """Where a run waits; runs of one place wait for the same thing."""

    deployment: str | None
    pool: str | None
    queue: str | None


def look(api: Api, pools: Mapping[str, Pool], here: Here, now: float) -> Iterator[Finding]:
    """Find late runs and say why they are.

    Args:
        api: The server.
        pools: Every pool by name.
        here: The worker of this machine.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    runs = late(
        api.post(
            "/flow_runs/filter",
            {
                "flow_runs": {
                    "state": {"type": {"any_": ["SCHEDULED"]}},
                    "expected_start_time": {"before_": written(now - LATE_SECONDS)},
                },
                "sort": "EXPECTED_START_TIME_ASC",
                "limit": LOOKED_AT,
            },
        ),
        now,
    )
    if not runs:
        yield well(CHECK, "none")
        return
    for reason, group in explained(api, runs, pools, here, now).items():
        yield warning(CHECK, _told(group, reason, now), reason.remedy)
    if len(runs) == LOOKED_AT:
        yield warning(
            CHECK, f"there are more than {LOOKED_AT}; only the oldest were looked at", "mend those"
        )


def late(runs: Iterable[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """Return those runs that wait for a worker or a slot, not for their hour."""
    return [
        run
        for run in runs
        if run["state_name"] not in NOT_WAITING
        and (
            run["state_name"] == AWAITS_SLOT
            or seconds(run["next_scheduled_start_time"] or run["expected_start_time"])
            <= now - LATE_SECONDS
        )
    ]


def explained(
    api: Api,
    runs: Iterable[dict[str, Any]],
    pools: Mapping[str, Pool],
    here: Here,
    now: float,
) -> dict[Reason, list[dict[str, Any]]]:
    """Return the runs by the reason for which they are late."""
    places: dict[Place, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        place = Place(run["deployment_id"], run["work_pool_name"], run["work_queue_name"])
        places[place].append(run)
    known: dict[str, dict[str, Queue]] = {}
    reasons: dict[Reason, list[dict[str, Any]]] = defaultdict(list)
    for place, group in places.items():
        pool = pools.get(place.pool) if place.pool else None
        if pool and pool.name not in known:
            known[pool.name] = queues(api, pool.name)
        queue = known[pool.name].get(place.queue or "") if pool else None
        oldest = min(seconds(run["expected_start_time"]) for run in group)
        waiting = Waiting(_deployment(api, place.deployment), pool, queue, now - oldest)
        reasons[explain(waiting, here)] += group
    return reasons


def _deployment(api: Api, identity: str | None) -> Deployment | None:
    found = api.get(f"/deployments/{identity}") if identity else None
    if found is None:
        return None
    limit = found["global_concurrency_limit"]
    return Deployment(
        found["name"],
        found["work_pool_name"],
        is_served=found["status"] == "READY",
        limit=Limit(limit["limit"], limit["active_slots"]) if limit and limit["active"] else None,
    )


def _told(group: list[dict[str, Any]], reason: Reason, now: float) -> str:
    oldest = min(group, key=lambda run: seconds(run["expected_start_time"]))
    since = duration(now - seconds(oldest["expected_start_time"]))
    if len(group) == 1:
        return f"the run {oldest['name']} is late by {since}: {reason.what}"
    return f"{len(group)} runs are late, {oldest['name']} by {since}: {reason.what}"
