"""What the server knows of a run, asked over its plain HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from prefect import State


def _asked(server: str, path: str, question: dict[str, Any]) -> list[dict[str, Any]]:
    response = httpx.post(f"{server}/{path}/filter", json=question).raise_for_status()
    answer: list[dict[str, Any]] = response.json()
    return answer


def logs(server: str, state: State[Any]) -> list[dict[str, Any]]:
    """Give the log records of the run that ended in this state, in the order of their time."""
    run = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    return _asked(server, "logs", {"logs": run, "sort": "TIMESTAMP_ASC"})


def log_messages(server: str, state: State[Any]) -> list[str]:
    """Give only what the records say."""
    return [record["message"] for record in logs(server, state)]


def artifact(server: str, state: State[Any], key: str) -> dict[str, Any]:
    """Give the one artifact of this key that the run left."""
    run = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}, "key": {"any_": [key]}}
    [found] = _asked(server, "artifacts", {"artifacts": run})
    return found


def subflow_runs(server: str, state: State[Any]) -> list[dict[str, Any]]:
    """Give the runs whose parent is the run that ended in this state."""
    parent = {"parent_flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    return _asked(server, "flow_runs", {"flow_runs": parent})
