"""Flow runs through the API: make one, wait for its end, read its log."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.container import PATIENCE_SECONDS, eventually

TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def deployments(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """Return the server's deployments by name."""
    answer = client.post("deployments/filter", json={}).raise_for_status().json()
    return {deployment["name"]: deployment for deployment in answer}


def create_run(client: httpx.Client, deployment_id: str, **parameters: Any) -> str:
    """Ask for a run now; return its id."""
    answer = client.post(
        f"deployments/{deployment_id}/create_flow_run", json={"parameters": parameters}
    ).raise_for_status()
    return str(answer.json()["id"])


def state(client: httpx.Client, run_id: str) -> dict[str, Any]:
    """Return the run's current state."""
    found: dict[str, Any] = client.get(f"flow_runs/{run_id}").raise_for_status().json()["state"]
    return found


def finished(client: httpx.Client, run_id: str, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """Wait for the run's end; return its last state."""

    def ended() -> dict[str, Any] | None:
        found = state(client, run_id)
        return found if found["type"] in TERMINAL else None

    final: dict[str, Any] = eventually(ended, within=within, what=f"the end of run {run_id}")
    return final


def logs(client: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    """Return the run's log records in the order of their times."""
    answer = client.post(
        "logs/filter",
        json={
            "logs": {"flow_run_id": {"any_": [run_id]}},
            "sort": "TIMESTAMP_ASC",
            "limit": 200,
        },
    )
    records: list[dict[str, Any]] = answer.raise_for_status().json()
    return records
