"""What the deployer tells in the log, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from appliance import heartbeat
from appliance.deployer import report
from appliance.layout import Runtime
from tests.unit.conftest import RealServer
from tests.unit.support import wait_until


def test_problem_is_told_once_and_so_is_its_end(real_server: RealServer, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "deployments").mkdir(parents=True)
    declaration = project / "deployments/d.yaml"
    declaration.write_text("deployment: []\n")
    runtime = Runtime(tmp_path / "run")
    runtime.root.mkdir()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("ZOE_", "PREFECT_"))},
        "ZOE_COMPONENTS": "deployer",
        "ZOE_API_URL": f"http://127.0.0.1:{real_server.settings.port}/api",
        "ZOE_ADMIN_PASSWORD": real_server.password,
        "ZOE_DATA_DIR": str(tmp_path / "data"),
        "ZOE_RUNTIME_DIR": str(runtime.root),
        "ZOE_PROJECTS": str(project),
        "ZOE_DEPLOY_INTERVAL": "1",
        "ZOE_WORK_POOL": "of-the-deployer-test",
    }
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "appliance.deployer"],
            env=environment,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            first = wait_until(lambda: report.read(runtime), "the first pass ends")
            assert first.problems == (
                f"{declaration}:1: unknown key 'deployment'; did you mean 'deployments'?",
            )
            beat = runtime.heartbeat("deployer")
            wait_until(lambda: heartbeat.age(beat, process.pid) is not None, "it is ready")
            # Two more passes at least, which find the same.
            wait_until(lambda: (r := report.read(runtime)) and r.at != first.at, "another pass")
            declaration.write_text("deployments: []\n")
            wait_until(lambda: "mended" in log.read_text(), "it notices the change")
        finally:
            process.terminate()
            process.wait(30)
    text = log.read_text()
    assert text.count("ERROR") == 1
    assert text.count(f"mended: {first.problems[0]}") == 1
    assert text.count("deployments are as declared") == 1
    assert "Traceback" not in text
