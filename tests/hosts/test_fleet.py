"""Several machines as one: every worker that is online gets a share of the work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.machine import Machine, eventually

SHELL = "run-shell-command/run-shell-command"
SECONDS_EACH = 4
RUNS_PER_WORKER = 3


def test_every_worker_runs_a_share(machine: Machine) -> None:
    if not machine.has_server:
        pytest.skip("asked once, on the server")
    pool = machine.setting("work_pool")
    workers = machine.request("POST", f"/work_pools/{pool}/workers/filter", {}).json()
    online = {worker["name"] for worker in workers if worker["status"] == "ONLINE"}
    if len(online) == 1:
        pytest.skip("there is one worker")
    deployment = machine.request("GET", f"/deployments/name/{SHELL}").json()
    body = {"parameters": {"command": f"echo on $(uname -n); sleep {SECONDS_EACH}"}}
    path = f"/deployments/{deployment['id']}/create_flow_run"
    runs = [
        machine.request("POST", path, body).json()["id"]
        for _ in range(RUNS_PER_WORKER * len(online))
    ]
    assert {machine.ended(run)["state"]["type"] for run in runs} == {"COMPLETED"}
    # Log lines arrive a moment after the end of their run.
    eventually(lambda: len(places(machine, runs)) == len(runs), "a line of each run")
    assert set(places(machine, runs).values()) == online


def places(machine: Machine, runs: list[str]) -> dict[str, str]:
    """Return on which machine each run was, by its own word."""
    body: dict[str, Any] = {"logs": {"flow_run_id": {"any_": runs}}, "limit": 200}
    lines = machine.request("POST", "/logs/filter", body).json()
    return {
        line["flow_run_id"]: line["message"].removeprefix("on ").strip()
        for line in lines
        if line["message"].startswith("on ")
    }
