"""What still needs a directory of a project: deployments that start in it, runs at work in it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from appliance.api import Api
from appliance.deployer.objects.kind import PAGE, read_all

# Of these a process may be there. (Prefect 3.8.8)
AT_WORK = ("PENDING", "RUNNING", "CANCELLING", "PAUSED")
# Of a run that is tried again by its own process; its type is SCHEDULED.
WAITING = "AwaitingRetry"


def directories(api: Api) -> str:
    """Return all that the server's deployments do before a run, in which their directories are.

    Raises:
        WorldError: The server is away.
    """
    found = read_all(api, "/deployments/filter")
    return json.dumps([deployment["pull_steps"] for deployment in found])


def at_work(api: Api) -> tuple[str, ...]:
    """Return the ids of all runs that have begun and not ended.

    Raises:
        WorldError: The server is away.
    """
    matching = {"operator": "or_", "type": {"any_": AT_WORK}, "name": {"any_": [WAITING]}}
    found = read_all(api, "/flow_runs/filter", {"flow_runs": {"state": matching}})
    return tuple(sorted({str(run["id"]) for run in found}))


def still_at_work(api: Api, runs: Iterable[str]) -> tuple[str, ...]:
    """Return those of some runs that have not ended.

    Raises:
        WorldError: The server is away.
    """
    wanted = sorted(runs)
    going_on: set[str] = set()
    for first in range(0, len(wanted), PAGE):
        some = {"id": {"any_": wanted[first : first + PAGE]}}
        for run in api.post("/flow_runs/filter", {"flow_runs": some}):
            if run["state_type"] in AT_WORK or run["state_name"] == WAITING:
                going_on.add(run["id"])
    return tuple(sorted(going_on))
