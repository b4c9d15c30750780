"""What still needs a directory: deployments that start in it, runs that are at work in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from appliance.api import Api
from appliance.deployer.objects.kind import PAGE, read_all

# Of these a process may be there. (Prefect 3.8.8)
AT_WORK = ("PENDING", "RUNNING", "CANCELLING", "PAUSED")
# Of a run that is tried again by its own process; its type is SCHEDULED.
WAITING = "AwaitingRetry"


def directories(api: Api) -> str:
    """Return all of the server's deployments in which directories are named.

    Raises:
        WorldError: The server is away.
    """
    found = read_all(api, "/deployments/filter")
    return json.dumps(
        [[one["pull_steps"], one["job_variables"]] for one in found], ensure_ascii=False
    )


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


def departures(
    api: Api, unused: Mapping[str, Path], leaving: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Tell which directories that nothing new starts in must stay, and which may go.

    Args:
        api: The server.
        unused: The directories, by names.
        leaving: What the last call has answered: of some of them the runs that hold them.

    Returns:
        Of those that stay for runs alone the ids of these, to be given to the next call; and the
        names of those that may go. What is in neither is still named by a deployment.

    Raises:
        WorldError: The server is away.
    """
    is_new = bool(unused.keys() - leaving.keys())
    named = directories(api) if is_new else ""
    now = at_work(api) if is_new else ()
    staying, going = {}, []
    for name, directory in unused.items():
        known = leaving.get(name)
        if known is None and str(directory) in named:
            continue
        if needed := now if known is None else still_at_work(api, known):
            staying[name] = needed
        else:
            going.append(name)
    return staying, going
