"""The server's background services, judged by what they must have done: nothing else tells.

Prefect shows no health of them. The scheduler writes down the coming runs of every active
schedule; the late-run monitor gives overdue runs another name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from appliance.api import Api
from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.moments import seconds, written
from appliance.doctor.words import DAY, duration

CHECK = "services"
# The scheduler's round takes a minute.
SCHEDULER_SECONDS = 180.0
# What has changed lately it looks at every 5 s.
PATIENCE_SECONDS = 10.0
# It looks a hundred days ahead; what is due sooner must be there.
AHEAD_SECONDS = 90 * DAY
# The monitor marks what is 15 s overdue, every 5 s.
MONITOR_SECONDS = 90.0
LOOKED_AT = 100
SWITCHES = {"scheduler": "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED",
            "late_runs": "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED"}  # fmt: skip
REMEDY = "zoe logs server tells more; a restart of Zoe starts them anew"


def look(api: Api, deployments: list[dict[str, Any]], now: float) -> Iterator[Finding]:
    """Judge both services.

    Args:
        api: The server.
        deployments: All deployments as the API describes them.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    settings = api.get("/admin/settings")["server"]["services"]
    off = [name for name in SWITCHES if not settings[name]["enabled"]]
    findings = [
        warning(CHECK, f"{name.replace('_', ' ')}: switched off by {SWITCHES[name]}", "unset it")
        for name in off
    ]
    if "scheduler" not in off:
        findings += scheduler(api, deployments, now)
    if "late_runs" not in off:
        findings += monitor(api, now)
    yield from findings
    if not findings:
        yield well(CHECK, "schedules have their coming runs, late runs are marked")


def scheduler(api: Api, deployments: list[dict[str, Any]], now: float) -> list[Finding]:
    """Return what the scheduler has left undone.

    Args:
        api: The server.
        deployments: All deployments as the API describes them.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    expected = [one for one in deployments if must_have_runs(one, now)][:LOOKED_AT]
    without = [one for one in expected if not _coming(api, one["id"], now)]
    if without:
        # An update takes a deployment's coming runs away; the scheduler brings them back at once.
        time.sleep(PATIENCE_SECONDS)
        without = [one for one in without if not _coming(api, one["id"], now)]
    if not without:
        return []
    return [
        problem(
            CHECK,
            f"no coming runs are written down for {len(without)} of {len(expected)} deployments "
            f"with an active schedule, such as {without[0]['name']}: "
            "the scheduler does not do its work",
            REMEDY,
        )
    ]


def must_have_runs(deployment: dict[str, Any], now: float) -> bool:
    """Tell whether the scheduler must have written down runs of a deployment by now.

    Schedules by RRULE may have an end and are left out.
    """
    return not deployment["paused"] and any(
        schedule["active"]
        and now - seconds(schedule["updated"]) > SCHEDULER_SECONDS
        and _is_due_soon(schedule["schedule"], now)
        for schedule in deployment["schedules"]
    )


def _is_due_soon(schedule: dict[str, Any], now: float) -> bool:
    if "interval" in schedule:
        return float(schedule["interval"]) < AHEAD_SECONDS
    if "cron" not in schedule:
        return False
    try:
        zone = ZoneInfo(schedule.get("timezone") or "UTC")
        coming = next(CronSim(schedule["cron"], datetime.fromtimestamp(now, UTC).astimezone(zone)))
    except (CronSimError, ZoneInfoNotFoundError, StopIteration):
        # Prefect's own reading of cron knows more words; it has accepted these.
        return False
    return coming.timestamp() - now < AHEAD_SECONDS


def _coming(api: Api, deployment_id: str, now: float) -> bool:
    # What is due already counts: a worker that lags is another look's business.
    body = {
        "flow_runs": {
            "deployment_id": {"any_": [deployment_id]},
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "next_scheduled_start_time": {"after_": written(now)},
        }
    }
    return int(api.post("/flow_runs/count", body)) > 0


def monitor(api: Api, now: float) -> list[Finding]:
    """Return what the late-run monitor has left undone.

    Args:
        api: The server.
        now: The server's clock.

    Raises:
        WorldError: The server is away.
    """
    body = {
        "flow_runs": {
            "state": {"name": {"any_": ["Scheduled"]}},
            "next_scheduled_start_time": {"before_": written(now - MONITOR_SECONDS)},
        }
    }
    unmarked = int(api.post("/flow_runs/count", body))
    if not unmarked:
        return []
    return [
        problem(
            CHECK,
            f"{unmarked} runs are overdue by more than {duration(MONITOR_SECONDS)} and not marked "
            "late: the late-run monitor does not do its work",
            REMEDY,
        )
    ]
