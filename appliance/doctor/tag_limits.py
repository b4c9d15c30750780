"""Limits by tag, for which task runs wait inside a flow run that looks busy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.api import Api
from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.moments import written
from appliance.doctor.pools import PAGE

CHECK = "tag limits"
WAITING_SECONDS = 60.0
# An engine gives its slot back when the task ends; after a death its lease has run out by then.
RELEASED_SECONDS = 120.0
ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


def look(api: Api, now: float) -> Iterator[Finding]:
    """Find limits whose slots are taken while task runs wait, and slots that are held by nobody.

    Args:
        api: The server.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    limits = api.post("/concurrency_limits/filter", {"limit": PAGE})
    findings = [
        found
        for limit in limits
        if len(limit["active_slots"]) >= limit["concurrency_limit"]
        for found in _judged(api, limit, now)
    ]
    yield from findings
    if not findings:
        yield well(CHECK, "no task run waits for one")


def _judged(api: Api, limit: dict[str, Any], now: float) -> Iterator[Finding]:
    tag, allowed, holders = limit["tag"], limit["concurrency_limit"], limit["active_slots"]
    ended = _ended(api, holders, now)
    if ended:
        yield problem(
            CHECK,
            f"{ended} of the {allowed} slots of the tag {tag} are held by task runs that ended",
            f"prefect concurrency-limit reset '{tag}'",
        )
    body = {
        "task_runs": {
            "tags": {"all_": [tag]},
            "state": {"type": {"any_": ["PENDING"]}},
            "expected_start_time": {"before_": written(now - WAITING_SECONDS)},
        }
    }
    waiting = int(api.post("/task_runs/count", body))
    if waiting:
        yield warning(
            CHECK,
            f"{waiting} task runs wait for a slot of the tag {tag}: all {allowed} are taken",
            f"wait for the others to end, or raise it: prefect concurrency-limit create '{tag}' N",
        )


def _ended(api: Api, holders: list[str], now: float) -> int:
    if not holders:
        return 0
    body = {
        "task_runs": {
            "id": {"any_": holders},
            "state": {"type": {"any_": ENDED}},
            "end_time": {"before_": written(now - RELEASED_SECONDS)},
        }
    }
    return int(api.post("/task_runs/count", body))
