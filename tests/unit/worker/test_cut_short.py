"""What a stop cuts short is on record as that, whatever Prefect's worker makes of its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance.api import Api
from appliance.layout import Layout
from appliance.worker.ledger import Ledger
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer
from tests.unit.support import wait_until

# Each ends in its own way after SIGTERM: the first waits for its task, and needs SIGKILL; the
# second reports a crash at once; the third leaves its report to the worker, and with it the hook,
# which takes longer than a stop does.
FLOWS = """
import os
import signal
import time

from prefect import flow, task


@task
def an_hour():
    time.sleep(3600)


@flow
def waits_for_its_task():
    an_hour.submit().wait()


@flow
def sleeps():
    time.sleep(3600)


def takes_long(flow, flow_run, state):
    time.sleep(5)


@flow(on_crashed=[takes_long])
def dies_without_a_word():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    time.sleep(3600)
"""


@contextmanager
def a_worker(
    server: RealServer, pool: str, place: Path, on_crash: str
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("ZOE_", "PREFECT_"))},
        "ZOE_COMPONENTS": "worker",
        "ZOE_API_URL": f"http://127.0.0.1:{server.settings.port}/api",
        "ZOE_ADMIN_PASSWORD": server.password,
        "ZOE_DATA_DIR": str(place / "data"),
        "ZOE_RUNTIME_DIR": str(place),
        "ZOE_WORK_POOL": pool,
        "ZOE_ON_CRASH": on_crash,
        # Patience of 3.8 s with running flows.
        "ZOE_STOP_GRACE": "6",
    }
    with (
        (place / "log").open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "appliance.worker"],
            env=environment,
            # To run a hook, Prefect copies the flow's directory there.
            cwd=place / "data",
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def begin(api: Api, **deployment: Any) -> str:
    made = api.post(f"/deployments/{runs.deployment(api, **deployment)}/create_flow_run", {})
    return str(made["id"])


def history(api: Api, run: str) -> list[tuple[str, str]]:
    states = api.get(f"/flow_run_states/?flow_run_id={run}")
    states.sort(key=lambda state: state["timestamp"])
    return [(state["type"], state["message"] or "") for state in states]


@pytest.mark.parametrize("on_crash", ["reschedule", "crash"])
def test_what_a_stop_cuts_short_is_its_to_record(
    real_server: RealServer, tmp_path: Path, on_crash: str
) -> None:
    pool = f"of-a-stop-{on_crash}"
    (tmp_path / "data").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "flows.py").write_text(FLOWS)
    with (
        closing(real_server.api()) as api,
        a_worker(real_server, pool, tmp_path, on_crash) as worker,
    ):
        wait_until(lambda: api.get(f"/work_pools/{pool}"), "it makes its pool", 180)
        made = [
            begin(api, work_pool_name=pool, path=str(project), entrypoint=f"flows.py:{name}")
            for name in ("waits_for_its_task", "sleeps", "dies_without_a_word")
        ]
        for run in made:
            wait_until(
                partial(lambda run: runs.state_of(api, run) == "RUNNING", run), "it begins", 180
            )
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0, (tmp_path / "log").read_text()
        left = list(Ledger(Layout(tmp_path / "data").ledger).entries())
        for run in made:
            states = history(api, run)
            end, message = states[-1]
            assert end == ("SCHEDULED" if on_crash == "reschedule" else "CRASHED"), states
            assert message.startswith("Zoe was stopped while the run was going on"), states
    assert left == []
