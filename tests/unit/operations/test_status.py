from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from appliance.deployer import report as deployer_report
from appliance.deployer.problems import Problem
from appliance.deployer.report import Report
from appliance.files import write_json
from appliance.layout import Runtime
from appliance.operations import status as operation
from appliance.operations.status import collect, rendered, status
from tests.unit.support import make_settings


def write_health(runtime: Runtime, *, ready: bool = True) -> None:
    programs = {
        "server": {
            "state": "RUNNING",
            "pid": 4711,
            "started": time.time() - 90,
            "ready": True,
            "detail": "",
        },
        "worker": {
            "state": "RUNNING" if ready else "BACKOFF",
            "pid": 4712 if ready else 0,
            "started": time.time() - 7200,
            "ready": ready,
            "detail": "" if ready else "ended right after its start and is tried again",
        },
    }
    write_json(runtime.health_report, {"programs": programs, "at": time.monotonic()})


def test_healthy_appliance_in_words(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    write_health(runtime)
    deployer_report.write(runtime, Report.of(["f/b", "f/a"], []))
    text = rendered(collect(make_settings(data_dir="/data", port=8080), runtime))
    lines = text.splitlines()
    assert lines[0].endswith("is healthy: http://localhost:8080")
    assert lines[1] == "user admin, password in /data/secrets/admin_password"
    assert lines[3:5] == [
        "  server     ready      pid 4711   for 1 min",
        "  worker     ready      pid 4712   for 2 h",
    ]
    assert lines[6].startswith("2 deployments, as of ")
    assert lines[7:] == ["  f/a", "  f/b"]


def test_trouble_in_words(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    write_health(runtime, ready=False)
    problem = Problem("/p/d.yaml", 7, "unknown key 'x'")
    deployer_report.write(runtime, Report.of([], [problem]))
    text = rendered(collect(make_settings(data_dir=tmp_path), runtime))
    assert "is NOT healthy" in text
    assert "  worker     NOT READY" in text
    assert "ended right after its start and is tried again\n" in text
    assert text.endswith(
        "The deployer could not do all of its work:\n  /p/d.yaml:7: unknown key 'x'\n"
    )


def test_not_running(tmp_path: Path) -> None:
    assert rendered(collect(make_settings(data_dir=tmp_path), Runtime(tmp_path))) == (
        "Zoe is not running here; start it with: zoe run\n"
    )


@pytest.mark.parametrize(
    ("values", "user", "kept"),
    [
        ({}, "admin", True),
        ({"admin_user": "ada", "admin_password": "given"}, "ada", False),
        ({"auth": False}, None, False),
        ({"components": "worker", "api_url": "http://z/api"}, "admin", False),
    ],
)
def test_where_the_password_is(
    tmp_path: Path, values: dict[str, object], user: str | None, kept: bool
) -> None:
    found = collect(make_settings(**values), Runtime(tmp_path))
    assert found["user"] == user
    assert (found["password_file"] is not None) is kept


@pytest.mark.parametrize("ready", [True, False])
def test_for_machines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ready: bool,
) -> None:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("ZOE_DATABASE", "postgresql://u:hidden@db/prefect")
    write_health(Runtime(tmp_path), ready=ready)
    assert status(as_json=True) == (0 if ready else 1)
    text = capsys.readouterr().out
    assert "hidden" not in text
    found = json.loads(text)
    assert (found["running"], found["healthy"]) == (True, ready)
    assert found["database"] == "external"
    assert found["programs"]["server"]["pid"] == 4711
    assert 90 <= found["programs"]["server"]["seconds"] < 95
    assert found["programs"]["worker"]["seconds"] is None or ready
    assert found["deployer"] is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172_800, "2 d")],
)
def test_duration(tmp_path: Path, seconds: int, words: str) -> None:
    runtime = Runtime(tmp_path)
    program = {"state": "RUNNING", "pid": os.getpid(), "ready": True, "detail": ""}
    found = collect(make_settings(data_dir=tmp_path), runtime)
    found |= {"running": True, "programs": {"server": {**program, "seconds": seconds}}}
    assert f"for {words}\n" in operation.rendered(found)
