"""The worker's own part: its environment, its name, and the beat that shows that it polls."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from appliance import heartbeat
from appliance.settings.model import OnCrash
from appliance.worker import __main__ as worker
from appliance.worker.ledger import Ledger
from appliance.worker.settling import Policy
from tests.unit import runs_on_server
from tests.unit.conftest import RealServer
from tests.unit.support import make_settings, wait_until


def test_flow_runs_do_not_inherit_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOE_DATABASE", "postgresql://u:hidden@db/prefect")
    monkeypatch.setenv("ZOE_ENCRYPTION_KEY_FILE", "/hidden")
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "INFO")
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("OTHER", "stays")
    monkeypatch.setenv("PREFECT_API_URL", "to be restored after the test")
    worker.adopt_environment({"PREFECT_API_URL": "http://z/api", "PREFECT_LOGGING_LEVEL": "DEBUG"})
    inherited = json.loads(
        subprocess.run(
            [sys.executable, "-S", "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
            check=True,
            capture_output=True,
        ).stdout
    )
    assert not [name for name in inherited if name.startswith("ZOE_")]
    assert "hidden" not in str(inherited)
    assert inherited["OTHER"] == "stays"
    assert inherited["PREFECT_API_URL"] == "http://z/api"
    assert inherited["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    # For the job template's `python -m prefect.engine`.
    assert inherited["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/usr/bin"


def test_name_is_the_same_after_each_restart() -> None:
    assert worker.worker_name(make_settings()) == socket.gethostname()
    assert worker.worker_name(make_settings(worker_name="one")) == "one"


def test_real_worker_makes_its_pool_beats_and_stops(
    real_server: RealServer, tmp_path: Path
) -> None:
    pool = "of-the-worker-test"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("ZOE_", "PREFECT_"))},
        "ZOE_COMPONENTS": "worker",
        "ZOE_API_URL": f"http://127.0.0.1:{real_server.settings.port}/api",
        "ZOE_ADMIN_PASSWORD": real_server.password,
        "ZOE_DATA_DIR": str(tmp_path / "data"),
        "ZOE_RUNTIME_DIR": str(tmp_path),
        "ZOE_WORK_POOL": pool,
        "ZOE_WORKER_NAME": "the-worker",
    }
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "appliance.worker"],
            env=environment,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            beat = tmp_path / "worker.heartbeat"
            wait_until(lambda: beat.exists() or process.poll() is not None, "it beats", 60)
            assert process.poll() is None, log.read_text()
            assert heartbeat.age(beat, process.pid) is not None
            wait_until(lambda: workers_of(real_server, pool) == ["the-worker"], "it registers")
        finally:
            process.terminate()
            code = process.wait(30)
    assert code == 0, log.read_text()
    assert f"made the work pool {pool}\n" in log.read_text()
    assert "Traceback" not in log.read_text()


def workers_of(real_server: RealServer, pool: str) -> list[str]:
    with closing(real_server.api()) as api:
        return [one["name"] for one in api.post(f"/work_pools/{pool}/workers/filter", {})]


def test_what_was_stopped_at_its_limit_crashes_for_good_whoever_settles_it(
    real_server: RealServer, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path)
    again = Policy(OnCrash.RESCHEDULE, 3)
    with closing(real_server.api()) as api:
        # Of a worker that died; the second one had not begun.
        orphans = [runs_on_server.flow_run(api, state) for state in ("RUNNING", "PENDING")]
        for run in orphans:
            ledger.note(run)
            ledger.verdict_file(run).write_text("It used too much.", encoding="utf-8")
        worker.sweep_ours(api, ledger, again, tuple)
        # Of one that lives, also while the run waits for its next try.
        ours = [runs_on_server.flow_run(api, state) for state in ("RUNNING", "SCHEDULED")]
        for run in ours:
            worker.settle_stopped(api, run, "It used too much.")
        completed = runs_on_server.flow_run(api, "COMPLETED")
        worker.settle_stopped(api, completed, "It used too much.")
        for run in (*orphans, *ours):
            state = runs_on_server.found(api, run)["state"]
            assert (state["type"], state["message"]) == ("CRASHED", "It used too much.")
        assert runs_on_server.state_of(api, completed) == "COMPLETED"
    assert list(tmp_path.glob("*.json")) == list(tmp_path.glob("*.stopped")) == []
