"""What a dead flow run leaves behind in its name: subflow runs and task runs of its process.

They had no process of their own. Left alone they would stay RUNNING for ever, and a task run would
keep the slots of its tags' concurrency limits. A child that was given to a worker of its own, by
`run_deployment`, lives on; so does the task run that stands for it in the parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.api import Api

# Prefect's own greatest page. (PREFECT_SERVER_API_DEFAULT_LIMIT)
PAGE = 200
NOT_ENDED = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")


def end_dependents(api: Api, flow_run_id: str, parents_state: str) -> None:
    """Put the end of what ran in a dead flow run's process on record.

    Args:
        api: The server.
        flow_run_id: The run whose process is gone, and which has been settled.
        parents_state: The type of its state; what belonged to a cancelled run is cancelled.

    Raises:
        WorldError: The server is away.
    """
    cancelled = parents_state == "CANCELLED"
    state = {
        "type": "CANCELLED" if cancelled else "CRASHED",
        "message": f"The process of flow run {flow_run_id}, of which this was a part, is gone.",
    }
    living = set()
    for child in list(_not_ended(api, "flow_runs", "parent_flow_run_id", flow_run_id)):
        if child["deployment_id"]:
            living.add(child["parent_task_run_id"])
            continue
        _end(api, "flow_runs", child["id"], state)
        end_dependents(api, child["id"], parents_state)
    for task in list(_not_ended(api, "task_runs", "flow_run_id", flow_run_id)):
        if task["id"] not in living:
            _end(api, "task_runs", task["id"], state)


def _end(api: Api, kind: str, run_id: str, state: dict[str, Any]) -> None:
    api.post(f"/{kind}/{run_id}/set_state", {"state": state, "force": True})


def _not_ended(api: Api, kind: str, owner: str, flow_run_id: str) -> Iterator[dict[str, Any]]:
    body = {
        kind: {owner: {"any_": [flow_run_id]}, "state": {"type": {"any_": list(NOT_ENDED)}}},
        "sort": "ID_DESC",
        "limit": PAGE,
    }
    offset = 0
    while page := api.post(f"/{kind}/filter", {**body, "offset": offset}):
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE
