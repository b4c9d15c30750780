"""The UI in a real browser, at another host name than the server knows, from login to log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.support.container import docker, network, running

HERE = Path(__file__).parent
BROWSER_IMAGE = "zoe-test-browser"
# `make screenshot` sets it, to renew the picture in the README.
PICTURES = os.environ.get("PICTURES")


@pytest.fixture(scope="module")
def browser_image() -> str:
    """Build the browser's image; nothing is built anew where nothing changed."""
    subprocess.run(
        ["docker", "build", "--tag", BROWSER_IMAGE, str(HERE)], check=True, stdout=sys.stderr
    )
    return BROWSER_IMAGE


@pytest.fixture(
    scope="module",
    params=["", "/prefect"],
    ids=["at the root", "below a path"],
)
def seen(
    request: pytest.FixtureRequest, browser_image: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    path = request.param
    pictures = tmp_path_factory.mktemp("pictures")
    public_url = [f"--env=ZOE_PUBLIC_URL=http://zoe.test:4200{path}"] if path else []
    name = f"zoe-test-{uuid.uuid4().hex[:12]}"
    with (
        network() as net,
        running(
            f"--network={net}", "--network-alias=zoe.test", *public_url, base_path=path
        ) as appliance,
    ):
        appliance.wait_healthy()
        password = tmp_path_factory.mktemp("secret") / "password"
        password.write_text(appliance.password(), encoding="utf-8")
        docker(
            "create",
            "--name",
            name,
            f"--network={net}",
            "--shm-size=512m",
            browser_image,
            "python3",
            "/home/browser/drive.py",
            f"http://zoe.test:4200{path}",
            "admin",
            "/home/browser/password",
            "/home/browser",
        )
        try:
            docker("cp", str(HERE / "drive.py"), f"{name}:/home/browser/drive.py")
            docker("cp", str(password), f"{name}:/home/browser/password")
            done = docker("start", "--attach", name, check=False)
            docker("cp", f"{name}:/home/browser/.", str(pictures), check=False)
        finally:
            docker("rm", "--force", name, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if PICTURES and not path:
        (Path(PICTURES) / "run.png").write_bytes((pictures / "run.png").read_bytes())
    story: dict[str, Any] = json.loads(done.stdout)
    return story


def test_the_deployments_page_shows_all_five(seen: dict[str, Any]) -> None:
    assert "5 Deployments" in seen["deployments"]
    assert {"simple-print", "run-shell-command", "run-multiple-flows"} < set(seen["deployments"])


def test_the_log_fills_while_the_run_goes_on(seen: dict[str, Any]) -> None:
    counts = seen["log_lines_meanwhile"]
    assert counts == sorted(counts), "lines vanished"
    assert any(0 < count < 8 for count in counts), counts
    assert seen["log_lines_at_last"] == 8


def test_the_run_with_changed_parameters_is_the_one_that_was_started(seen: dict[str, Any]) -> None:
    assert "/runs/flow-run/" in seen["run"]


def test_the_browser_calls_nobody_else(seen: dict[str, Any]) -> None:
    assert seen["hosts_asked"] == ["zoe.test"]
