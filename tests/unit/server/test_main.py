"""The program as it is: what a browser and a client get from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.unit.conftest import RealServer


def test_page_finds_its_api_wherever_it_was_asked_for(real_server: RealServer) -> None:
    url = f"http://127.0.0.1:{real_server.settings.port}"
    answer = httpx.get(f"{url}/ui-settings", headers={"Host": "prefect.example.org:8443"})
    assert answer.json()["api_url"] == "http://prefect.example.org:8443/api"


def test_password_is_asked_for(real_server: RealServer) -> None:
    url = f"http://127.0.0.1:{real_server.settings.port}/api/admin/version"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("admin", "wrong")).status_code == 401
    assert httpx.get(url, auth=(real_server.user, real_server.password)).json() == "3.8.8"


def test_wrong_settings_are_a_line_and_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.server"],
        env={**os.environ, "ZOE_PORT": "x", "ZOE_RUNTIME_DIR": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ZOE_PORT 'x' is not valid")
    assert done.stderr.count("\n") == 1
