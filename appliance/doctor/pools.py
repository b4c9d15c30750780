"""Work pools, their queues and workers, from the API's JSON to what decisions are made of."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from appliance.api import Api
from appliance.doctor.lateness import Limit, Pool, Queue, Worker
from appliance.doctor.moments import seconds

PAGE = 200


def pools(api: Api, now: float) -> dict[str, Pool]:
    """Return every work pool by name.

    Args:
        api: The server.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    found: dict[str, Pool] = {}
    while page := api.post("/work_pools/filter", {"limit": PAGE, "offset": len(found)}):
        for one in page:
            found[one["name"]] = _pool(api, one, now)
    return found


def queues(api: Api, pool: str) -> dict[str, Queue]:
    """Return a pool's queues by name.

    Raises:
        WorldError: The server is away, or there is no such pool.
    """
    answer = api.post(f"/work_pools/{quote(pool, safe='')}/queues/filter", {"limit": PAGE})
    return {
        one["name"]: Queue(one["name"], bool(one["is_paused"]), limit_of(one)) for one in answer
    }


def limit_of(one: dict[str, Any]) -> Limit | None:
    """Return the limit of a pool or queue; None where it has none."""
    allowed = one["concurrency_limit"]
    return None if allowed is None else Limit(int(allowed), int(one.get("active_slots") or 0))


def _pool(api: Api, one: dict[str, Any], now: float) -> Pool:
    name = one["name"]
    workers = api.post(f"/work_pools/{quote(name, safe='')}/workers/filter", {"limit": PAGE})
    return Pool(
        name,
        one["type"],
        bool(one["is_paused"]),
        limit_of(one),
        tuple(_worker(worker, now) for worker in workers),
    )


def _worker(one: dict[str, Any], now: float) -> Worker:
    heard = one["last_heartbeat_time"]
    silent = max(0.0, now - seconds(heard)) if heard else float("inf")
    return Worker(one["name"], one["status"] == "ONLINE", silent)
