from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from appliance.files import read_json, write_json
from appliance.layout import Runtime
from appliance.operations.health import health


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path))
    return Runtime(tmp_path)


def report(runtime: Runtime, **details: str) -> None:
    """Write the conductor's report: each program with what is wrong with it, if anything."""
    programs = {
        name: {"state": "RUNNING", "pid": 5, "started": 1.0, "ready": not detail, "detail": detail}
        for name, detail in details.items()
    }
    write_json(runtime.health_report, {"programs": programs, "at": time.monotonic()})


def test_healthy(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    report(runtime, server="", worker="")
    assert health(quiet=False, wait=0) == 0
    assert capsys.readouterr() == ("healthy\n", "")
    assert health(quiet=True, wait=0) == 0
    assert capsys.readouterr() == ("", "")


def test_each_program_that_is_not(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    report(runtime, server="cannot reach its database", deployer="", worker="waits")
    assert health(quiet=True, wait=0) == 1
    assert capsys.readouterr() == ("", "server: cannot reach its database\nworker: waits\n")


def test_what_is_degraded_is_said_and_counts_when_asked(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    report(runtime, server="")
    content = read_json(runtime.health_report)
    assert content
    write_json(runtime.health_report, {**content, "degraded": ["backup: no space left"]})
    assert health(quiet=False, wait=0) == 0
    assert capsys.readouterr() == ("", "degraded: backup: no space left\n")
    assert health(quiet=True, wait=0, strict=True) == 1


def test_not_running(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    del runtime
    assert health(quiet=True, wait=0) == 1
    assert "Zoe is not running here" in capsys.readouterr().err


def test_no_program_at_all_is_not_healthy(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    report(runtime)
    assert health(quiet=False, wait=0) == 1
    assert capsys.readouterr().out == ""


def test_wait_ends_with_health(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.operations.health.POLL_SECONDS", 0.01)
    report(runtime, server="is starting")
    looked = threading.Event()
    original = time.sleep

    def sleep(seconds: float) -> None:
        looked.set()
        original(seconds)

    monkeypatch.setattr("appliance.operations.health.time.sleep", sleep)

    def become_healthy() -> None:
        looked.wait(10)
        report(runtime, server="")

    thread = threading.Thread(target=become_healthy)
    thread.start()
    assert health(quiet=True, wait=60) == 0
    thread.join()


def test_wait_ends_in_time(runtime: Runtime) -> None:
    report(runtime, server="is starting")
    began = time.monotonic()
    assert health(quiet=True, wait=0.3) == 1
    assert time.monotonic() - began >= 0.3
