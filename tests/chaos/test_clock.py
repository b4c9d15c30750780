"""The wall clock jumps an hour forwards and back: no run is lost, and none runs twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import runs
from tests.support.chaos import invariants, record
from tests.support.chaos.cells import telling
from tests.support.chaos.programs import ENGINES
from tests.support.chaos.stage import Stage, arguments, pause_schedules
from tests.support.container import IMAGE, Container, eventually, running

CLOCK_IMAGE = "zoe-test-clock"
STARTS = "/data/starts"
EVERY_TEN_MINUTES = 600
COUNT_ME = f"echo $PREFECT__FLOW_RUN_ID >> {STARTS}"


@pytest.fixture(scope="module")
def clock_image() -> str:
    subprocess.run(
        [
            "docker",
            "build",
            f"--build-arg=IMAGE={IMAGE}",
            "--tag",
            CLOCK_IMAGE,
            str(Path(__file__).parent),
        ],
        check=True,
        stdout=sys.stderr,
    )
    return CLOCK_IMAGE


def set_clock(container: Container, offset: str) -> None:
    """Let the container's wall clock differ from the machine's by so many seconds.

    The file is replaced as a whole: a reader that saw half of it would end its program.
    """
    script = f"echo '{offset}' > /data/.clock && mv /data/.clock /data/clock"
    container.exec("sh", "-c", script)
    wanted = int(offset)

    def has_jumped() -> bool:
        here = float(container.exec("python", "-c", "import time; print(time.time())"))
        return abs(here - datetime.now(UTC).timestamp() - wanted) < 60

    eventually(has_jumped, what=f"a clock that goes wrong by {offset} s")


def scheduled_deployment(http: httpx.Client) -> str:
    """Make a deployment that runs every ten minutes, and notes each start; return its id."""
    shell = runs.deployments(http)["run-shell-command"]
    keep = ("flow_id", "entrypoint", "path", "pull_steps", "work_pool_name", "work_queue_name")
    body: dict[str, Any] = {
        **{key: shell[key] for key in keep},
        "name": "by-the-clock",
        "parameters": {"command": COUNT_ME},
        "schedules": [
            {"schedule": {"interval": EVERY_TEN_MINUTES}, "active": True},
        ],
    }
    return str(http.post("deployments/", json=body).raise_for_status().json()["id"])


def of_deployment(http: httpx.Client, deployment: str) -> list[dict[str, Any]]:
    body = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
    found: list[dict[str, Any]] = http.post("flow_runs/filter", json=body).raise_for_status().json()
    return found


def one_off(http: httpx.Client, deployment: str, due: datetime) -> str:
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
    path = f"deployments/{deployment}/create_flow_run"
    return str(http.post(path, json={"state": state}).raise_for_status().json()["id"])


@pytest.mark.parametrize("engine", ENGINES)
def test_no_run_is_lost_and_none_runs_twice(engine: str, clock_image: str) -> None:
    with (
        record.outcome("the clock jumps an hour forwards and back", engine=engine) as details,
        running(*arguments(engine), image=clock_image) as container,
        telling(container),
    ):
        container.wait_healthy()
        pause_schedules(container)
        stage = Stage(container, engine, "", 0)
        with stage.client() as http:
            deployment = scheduled_deployment(http)
            began = datetime.now(UTC)
            soon = one_off(http, deployment, began + timedelta(minutes=30))
            late = one_off(http, deployment, began + timedelta(hours=3))
            stage.start_flows(1)
            eventually(
                lambda: len(of_deployment(http, deployment)) >= 8, what="the runs of an hour"
            )
            planned = {run["id"] for run in of_deployment(http, deployment)}
            # The scheduler plans further hours meanwhile, and the jump back makes them far away.
            for offset, hours in (("+3600", 1), ("+0", 0), ("+3600", 1), ("+0", 0)):
                set_clock(container, offset)
                now = began + timedelta(hours=hours)
                all_done = partial(all_that_was_due_is_done, http, deployment, now)
                eventually(all_done, what=f"the end of all that was due at {offset}")
                container.wait_healthy()
            assert runs.state(http, stage.started[0])["type"] == "RUNNING"
            stage.release()
            ends = invariants.everything_is_at_rest(container, http, stage.started)
            assert ends == {"COMPLETED": 1}
            found = of_deployment(http, deployment)
            assert not planned - {run["id"] for run in found}
            by_time = Counter(run["expected_start_time"] for run in found)
            assert max(by_time.values()) == 1, by_time
            done = {run["id"] for run in found if run["state_type"] == "COMPLETED"}
            assert soon in done
            assert runs.state(http, late)["type"] == "SCHEDULED"
            assert not [run for run in found if run["state_type"] not in {"SCHEDULED", "COMPLETED"}]
        starts = Counter(container.exec("cat", STARTS).split())
        assert set(starts) == done
        assert set(starts.values()) == {1}, starts
        invariants.database_is_sound(container, engine)
        details |= {"runs by schedule": len(done)}


def all_that_was_due_is_done(http: httpx.Client, deployment: str, now: datetime) -> bool:
    return all(
        run["state_type"] == "COMPLETED"
        for run in of_deployment(http, deployment)
        if datetime.fromisoformat(run["expected_start_time"]) <= now
    )
