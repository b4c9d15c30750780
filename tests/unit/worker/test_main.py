"""The worker's own part: its environment, its name, and the beat that shows that it polls."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance import heartbeat
from appliance.worker import __main__ as worker
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


class StandIn:
    """As much of Prefect's worker as `work` uses; the real one is below."""

    name = "stand-in"

    def __init__(self) -> None:
        self.polling = True
        self.ended = False

    async def start(self, printer: Any) -> None:
        del printer
        try:
            await asyncio.Event().wait()
        finally:
            # Prefect's tears down its flow runs here.
            await asyncio.sleep(0)
            self.ended = True

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        assert query_interval_seconds > 0
        return self.polling


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_beats_only_while_it_polls_and_ends_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.01)
    path = tmp_path / "beat"
    stand_in: Any = StandIn()

    async def watch() -> None:
        await asyncio.to_thread(wait_until, path.exists, "it beats")
        stand_in.polling = False
        await asyncio.sleep(0.05)
        path.unlink()
        # Several times the pause between two beats.
        await asyncio.sleep(0.1)
        assert not path.exists()
        os.kill(os.getpid(), number)

    async def both() -> None:
        async with asyncio.timeout(20):
            await asyncio.gather(worker.work(stand_in, partial(heartbeat.beat, path)), watch())

    asyncio.run(both())
    assert stand_in.ended


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
