"""Three machines, of which one dies and the server's is away for a while: no run is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.support import runs
from tests.support.container import Container, docker, eventually, network, running

# `make chaos` makes it ten minutes. Prefect's own clients give up after one.
AWAY_SECONDS = int(os.environ.get("SERVER_AWAY_SECONDS", "45"))
LOST_AFTER = 60

FLOWS = '''
import time
from pathlib import Path

from prefect import flow, task
from prefect.concurrency.sync import concurrency


@task(tags=["one-at-a-time"])
def hold(seconds: int) -> None:
    # The shortest lease there is.
    with concurrency("scarce", lease_duration=60):
        print("holding")
        time.sleep(seconds)


@flow(log_prints=True)
def inner(seconds: int) -> None:
    hold(seconds)


@flow
def holder(seconds: int) -> None:
    """Hold a slot of a deployment's limit, of a tag's and of a global one."""
    inner(seconds)


@task
def nap() -> None:
    time.sleep(1)


@flow(log_prints=True)
def ticker() -> int:
    """Tick until somebody says stop."""
    ticks = 0
    while not Path("/tmp/stop").exists():
        print(f"tick-{ticks}")
        ticks += 1
        nap()
    print(f"ticks: {ticks}")
    return ticks
'''
DEPLOYMENTS = """
deployments:
  - name: holder
    entrypoint: flows.py:holder
    concurrency_limit: 1
    work_pool: {name: default}
  - name: ticker
    entrypoint: flows.py:ticker
    work_pool: {name: default}
"""


@dataclass(frozen=True)
class World:
    """The machines, and a run that goes on all the time.

    Attributes:
        server: Has no worker.
        dies: A machine with one worker, which has place for one run.
        lives: Another.
        healthy: A run on the latter.
        doomed: A run on the former.
    """

    server: Container
    dies: Container
    lives: Container
    healthy: str
    doomed: str

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.server.url}/api", auth=("admin", "together"), timeout=60
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = tmp_path_factory.mktemp("project")
    project.chmod(0o755)
    (project / "deployments").mkdir()
    (project / "flows.py").write_text(FLOWS, encoding="utf-8")
    (project / "deployments" / "all.yaml").write_text(DEPLOYMENTS, encoding="utf-8")
    with network() as net:
        everywhere = (
            f"--network={net}",
            f"--volume={project}:/project:ro",
            "--env=ZOE_PROJECTS=/project",
            "--env=ZOE_ADMIN_PASSWORD=together",
            f"--env=ZOE_LOST_AFTER={LOST_AFTER}",
        )
        worker = (
            *everywhere,
            "--env=ZOE_COMPONENTS=worker",
            "--env=ZOE_API_URL=http://zoe:4200/api",
        )
        with (
            running(
                *everywhere, "--network-alias=zoe", "--env=ZOE_COMPONENTS=database,server,deployer"
            ) as server,
            running(*worker, "--env=ZOE_WORKER_NAME=dies", "--env=ZOE_WORKER_LIMIT=1") as dies,
        ):
            server.wait_healthy()
            dies.wait_healthy()
            world = World(server, dies, dies, "", "")
            with world.client() as client:
                client.post(
                    "concurrency_limits/", json={"tag": "one-at-a-time", "concurrency_limit": 1}
                ).raise_for_status()
                client.post(
                    "v2/concurrency_limits/", json={"name": "scarce", "limit": 1}
                ).raise_for_status()
                deployments = runs.deployments(client)
                doomed = runs.create_run(client, deployments["holder"]["id"], seconds=3600)
                eventually(lambda: begun(client, children(client, doomed)), what="a held slot")
                with running(*worker, "--env=ZOE_WORKER_NAME=lives") as lives:
                    lives.wait_healthy()
                    healthy = runs.create_run(client, deployments["ticker"]["id"])
                    eventually(lambda: begun(client, [healthy]), what="a first tick")
                    yield World(server, dies, lives, healthy, doomed)


def children(client: httpx.Client, run: str) -> list[str]:
    body = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
    return [found["id"] for found in client.post("flow_runs/filter", json=body).json()]


def begun(client: httpx.Client, run_ids: list[str]) -> bool:
    words = ("tick-", "holding")
    return any(
        log["message"].startswith(words) for run in run_ids for log in runs.logs(client, run)
    )


def task_states(client: httpx.Client, run: str) -> set[str]:
    states, offset = set(), 0
    body = {"task_runs": {"flow_run_id": {"any_": [run]}}, "sort": "ID_DESC"}
    while page := client.post("task_runs/filter", json={**body, "offset": offset}).json():
        states |= {found["state_type"] for found in page}
        offset += len(page)
    return states


def ticks(client: httpx.Client, run: str) -> list[str]:
    messages: list[str] = []
    body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
    while page := client.post("logs/filter", json={**body, "offset": len(messages)}).json():
        messages += [record["message"] for record in page]
    return [message for message in messages if message.startswith("tick")]


def test_the_runs_of_a_machine_that_died_are_settled_and_give_their_slots_back(
    world: World,
) -> None:
    docker("kill", world.dies.name)
    died = time.monotonic()
    with world.client() as client:
        final = runs.finished(client, world.doomed)
        assert final["type"] == "CRASHED"
        assert "no sign of life for 60 s" in final["message"]
        # Not before its time, however slow the machine is.
        assert time.monotonic() - died > LOST_AFTER / 2
        [inner] = children(client, world.doomed)
        # What ran in it is settled after it.
        assert runs.finished(client, inner)["type"] == "CRASHED"
        eventually(lambda: task_states(client, inner) == {"CRASHED"}, what="its task's end")

        again = runs.create_run(client, runs.deployments(client)["holder"]["id"], seconds=0)
        assert runs.finished(client, again)["type"] == "COMPLETED"
        assert runs.state(client, world.healthy)["type"] == "RUNNING"
    assert f"flow run {world.doomed} has lost its machine" in world.server.logs()


@pytest.mark.timeout(600 + 6 * AWAY_SECONDS)
def test_a_server_that_is_away_costs_no_run_no_state_and_no_line(world: World) -> None:
    worker = world.lives.status()["programs"]["worker"]["pid"]
    world.server.stop()
    time.sleep(AWAY_SECONDS)
    world.server.start()
    world.server.wait_healthy()
    world.lives.exec("touch", "/tmp/stop")  # noqa: S108 - the flow's own flag
    with world.client() as client:
        # A client's next try comes, at the latest, about as long after as the server was away.
        patience = 60 + 1.5 * AWAY_SECONDS
        final = runs.finished(client, world.healthy, within=180 + patience)
        assert final["type"] == "COMPLETED", final

        def complete() -> bool:
            *lines, last = ticks(client, world.healthy) or [""]
            return lines == [f"tick-{n}" for n in range(len(lines))] and last == (
                f"ticks: {len(lines)}"
            )

        eventually(complete, within=patience, what="every line of the log")
        eventually(
            lambda: task_states(client, world.healthy) == {"COMPLETED"},
            within=patience,
            what="the states of all tasks",
        )
    logs = world.lives.logs()
    assert world.lives.status()["programs"]["worker"]["pid"] == worker, logs
    assert "the server is away" in logs
    assert "the server is back" in logs
