"""A run that exceeds its limits crashes with that reason, and nothing else suffers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import runs
from tests.support.container import Container, eventually, running

FLOWS = """
import os
import resource
import time
from pathlib import Path

from prefect import flow, task

MEGABYTE = 10**6
HOOK = Path("/tmp/hook-of-a-crash")


def note(flow, flow_run, state):
    HOOK.write_text(state.message)


@task
def eat():
    eaten = []
    while True:
        eaten.append(b"x" * (20 * MEGABYTE))
        time.sleep(0.02)


@flow(on_crashed=[note])
def eats():
    HOOK.unlink(missing_ok=True)
    eat()


@flow
def waits(seconds: int = 600):
    time.sleep(seconds)


@flow
def waits_for(path: str):
    while not Path(path).exists():
        time.sleep(0.1)


@flow(log_prints=True)
def tells():
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    print("nice", os.getpriority(os.PRIO_PROCESS, 0), "files", files)
"""
DEPLOYMENTS = """
deployments:
  - {name: eats, entrypoint: "flows/limits.py:eats", limits: {memory: 300MB}}
  - {name: waits, entrypoint: "flows/limits.py:waits", limits: {time: 3s}}
  - {name: waits-for, entrypoint: "flows/limits.py:waits_for"}
  - name: tells
    entrypoint: flows/limits.py:tells
    limits: {open_files: 200, nice: 5, memory: 1GB, cpu: 10m}
"""
HOOK = "/tmp/hook-of-a-crash"  # noqa: S108 - in the container
GO_ON = "/tmp/go-on"  # noqa: S108 - likewise
WARM = "flow runs start warm"
# One slot for the run beside, one for each of the others in turn.
SLOTS = 2


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("limits")
    root.chmod(0o755)
    for path, text in (("flows/limits.py", FLOWS), ("deployments/limits.yaml", DEPLOYMENTS)):
        (root / path).parent.mkdir()
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module", params=["true", "false"], ids=["warm", "cold"])
def container(request: pytest.FixtureRequest, project: Path) -> Iterator[Container]:
    with running(
        f"--volume={project}:/project:ro",
        "--env=ZOE_PROJECTS=/project",
        f"--env=ZOE_WORKER_LIMIT={SLOTS}",
        f"--env=ZOE_WARM_START={request.param}",
        # One that met its limit would meet it again.
        "--env=ZOE_ON_CRASH=reschedule",
    ) as container:
        container.wait_healthy()
        if request.param == "true":
            eventually(lambda: WARM in container.logs(), what="a template")
        yield container


@pytest.fixture(scope="module")
def client(container: Container) -> Iterator[httpx.Client]:
    with container.client() as client:
        yield client


@pytest.fixture(scope="module")
def known(client: httpx.Client) -> dict[str, dict[str, Any]]:
    def all_there() -> dict[str, dict[str, Any]] | None:
        found = runs.deployments(client)
        return found if {"eats", "waits", "waits-for", "tells"} <= found.keys() else None

    found: dict[str, dict[str, Any]] = eventually(all_there, what="the deployments")
    return found


def are_settled(client: httpx.Client, run: str) -> bool:
    wanted = {"task_runs": {"flow_run_id": {"any_": [run]}}}
    tasks = client.post("task_runs/filter", json=wanted).json()
    return {task["state_type"] for task in tasks} <= {"CRASHED"}


def test_what_exceeds_a_limit_crashes_and_what_runs_beside_it_completes(
    container: Container, client: httpx.Client, known: dict[str, dict[str, Any]]
) -> None:
    templates = container.logs().count(WARM)
    beside = runs.create_run(client, known["waits-for"]["id"], path=GO_ON)
    eventually(lambda: runs.state(client, beside)["type"] == "RUNNING", what="its start")
    for name, words in (
        ("eats", "MB of memory; the limit of its deployment is 300 MB."),
        ("waits", "it ran for 3 s, the limit of its deployment."),
    ):
        run = runs.create_run(client, known[name]["id"])
        end = runs.finished(client, run)
        assert end["type"] == "CRASHED"
        assert end["message"].startswith("Stopped by Zoe: it ")
        assert end["message"].endswith(words)
        states = client.get("flow_run_states/", params={"flow_run_id": run}).json()
        assert [one["type"] for one in states].count("CRASHED") == 1
        # They are settled after the run that they belonged to.
        eventually(partial(are_settled, client, run), what="the end of its tasks")
        if name == "eats":
            told: str = eventually(
                lambda: container.exec("cat", HOOK, check=False), what="its hook"
            )
            assert told == end["message"]
    # There are two slots: both runs have given theirs back.
    last = runs.create_run(client, known["tells"]["id"])
    assert runs.finished(client, last)["type"] == "COMPLETED"
    eventually(
        lambda: "nice 5 files 200" in [record["message"] for record in runs.logs(client, last)],
        what="what the flow sees of its limits",
    )
    container.exec("touch", GO_ON)
    assert runs.finished(client, beside)["type"] == "COMPLETED"
    # No template had to follow another.
    assert container.logs().count(WARM) == templates
