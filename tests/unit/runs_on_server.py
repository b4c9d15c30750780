"""Flow runs, subflow runs and task runs on the real server, without any process behind them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from appliance.api import Api

DEPLOYMENT = "by-itself"


def flow(api: Api) -> str:
    found: dict[str, Any] = api.post("/flows/", {"name": "of-a-test"})
    return str(found["id"])


def deployment(api: Api, **values: Any) -> str:
    body = {"name": f"{DEPLOYMENT}-{uuid4().hex[:8]}", "flow_id": flow(api), **values}
    found: dict[str, Any] = api.post("/deployments/", body)
    return str(found["id"])


def flow_run(api: Api, state: str = "RUNNING", **values: Any) -> str:
    body = {"flow_id": flow(api), "state": {"type": state}, **values}
    found: dict[str, Any] = api.post("/flow_runs/", body)
    return str(found["id"])


def task_run(api: Api, parent: str, state: str = "RUNNING", **values: Any) -> str:
    body = {
        "flow_run_id": parent,
        "task_key": "a-task",
        "dynamic_key": uuid4().hex,
        "state": {"type": state},
        **values,
    }
    found: dict[str, Any] = api.post("/task_runs/", body)
    return str(found["id"])


def state_of(api: Api, run: str, kind: str = "flow_runs") -> str:
    found: dict[str, Any] = api.get(f"/{kind}/{run}")
    return str(found["state"]["type"])


def found(api: Api, run: str) -> dict[str, Any]:
    """Return a flow run as the server shows it."""
    return dict(api.get(f"/flow_runs/{run}"))


def labels_of(api: Api, run: str) -> dict[str, Any]:
    return dict(found(api, run)["labels"])
