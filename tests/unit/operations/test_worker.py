"""`zoe worker leave`; the drain is tested on the image."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from appliance.api import Api
from appliance.errors import OperatorError, WorldError
from appliance.files import write_json
from appliance.layout import Layout, Runtime
from appliance.operations import worker as operation
from appliance.worker.ledger import Ledger
from tests.unit.conftest import RealServer

POOL = "pool of those who leave"


@pytest.fixture
def api(real_server: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A pool with two workers; this machine is one of them."""
    api = real_server.api()
    for name, value in {
        "COMPONENTS": "worker",
        "ADMIN_USER": real_server.user,
        "ADMIN_PASSWORD": real_server.password,
        "API_URL": api.url,
        "DATA_DIR": str(tmp_path / "data"),
        "RUNTIME_DIR": str(tmp_path / "run"),
        "WORK_POOL": POOL,
        "WORKER_NAME": "the one who goes",
    }.items():
        monkeypatch.setenv(f"ZOE_{name}", value)
    (tmp_path / "run").mkdir()
    if api.get(f"/work_pools/{POOL}") is None:
        api.post("/work_pools/", {"name": POOL, "type": "process"})
    for name in ("the one who goes", "the one who stays"):
        # It answers without a body, of which the client complains.
        with suppress(WorldError):
            api.post(f"/work_pools/{POOL}/workers/heartbeat", {"name": name})
    assert {"the one who goes", "the one who stays"} <= workers(api)
    return api


def workers(api: Api) -> set[str]:
    return {worker["name"] for worker in api.post(f"/work_pools/{POOL}/workers/filter", {})}


def test_a_worker_that_leaves_takes_its_record_along(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(api):
        assert operation.leave() == 0
        assert workers(api) == {"the one who stays"}
        assert operation.leave() == 0
        assert workers(api) == {"the one who stays"}
    assert f"the worker the one who goes has left the work pool {POOL}" in capsys.readouterr().out


def test_a_worker_that_runs_does_not_leave(api: Api) -> None:
    program = {"state": "RUNNING", "pid": 1, "started": time.time(), "ready": True, "detail": ""}
    report = {"programs": {"worker": program}, "at": time.monotonic()}
    write_json(Runtime.from_environment().health_report, report)
    with closing(api), pytest.raises(OperatorError, match="still runs"):
        operation.leave()


def test_a_worker_with_unsettled_runs_does_not_leave(api: Api, tmp_path: Path) -> None:
    ledger = Ledger(Layout(tmp_path / "data").ledger)
    ledger.note("a-run", 1)
    with closing(api), pytest.raises(OperatorError, match=r"1 flow runs .* not been settled"):
        operation.leave()


def test_where_no_worker_belongs_nobody_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOE_COMPONENTS", "server")
    with pytest.raises(OperatorError, match="no worker runs here"):
        operation.leave()
