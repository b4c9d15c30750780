from __future__ import annotations

import time
from pathlib import Path

import pytest

from appliance.files import write_json
from appliance.layout import Runtime
from appliance.supervisor import health
from appliance.supervisor.conducting import Observation
from appliance.supervisor.health import STALE_SECONDS, Health


def observed(*, ready: bool = True) -> Health:
    seen = {
        "server": Observation("RUNNING", 5, alive=True, ready=True),
        "worker": Observation("RUNNING", 6, alive=True, ready=ready, detail="" if ready else "why"),
    }
    return Health.of(seen, {"server": {"start": 100}, "worker": {"start": 200}})


def test_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    written = observed(ready=False)
    write_json(runtime.health_report, written.to_json())
    found = health.read(runtime)
    assert found == written
    assert found.programs["worker"].detail == "why"
    assert found.programs["worker"].started == 200.0


def test_healthy_is_every_program_ready() -> None:
    assert observed().healthy
    assert not observed(ready=False).healthy
    assert not Health({}, 0.0).healthy


@pytest.mark.parametrize(
    ("age", "counts"),
    [(0, True), (STALE_SECONDS - 1, True), (STALE_SECONDS + 1, False), (-1000, False)],
    ids=["new", "older", "stale", "from before a reboot"],
)
def test_age(tmp_path: Path, age: float, counts: bool) -> None:
    runtime = Runtime(tmp_path)
    write_json(runtime.health_report, {"programs": {}, "at": time.monotonic() - age})
    assert (health.read(runtime) is not None) is counts


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff"])
def test_no_report(tmp_path: Path, content: bytes | None) -> None:
    runtime = Runtime(tmp_path)
    if content is not None:
        runtime.health_report.write_bytes(content)
    assert health.read(runtime) is None
