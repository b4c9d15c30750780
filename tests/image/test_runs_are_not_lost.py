"""No run stays RUNNING without a process: stop, kill, crash, and what is on record afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support import runs
from tests.support.container import Container, docker, eventually, running

# Told from other processes by its own number of seconds.
LONG = "sleep 3601"


def start(client: httpx.Client, command: str) -> str:
    """Start the shell flow and return its run once the command is being executed."""
    deployment = runs.deployments(client)["run-shell-command"]["id"]
    run = runs.create_run(client, deployment, command=f"echo begun; {command}")
    eventually(
        lambda: any(record["message"] == "begun" for record in runs.logs(client, run)),
        what="the command's first line",
    )
    return run


def quiet(container: Container, client: httpx.Client) -> None:
    """Pause the schedules of the shipped project and wait until nothing runs."""
    for deployment in runs.deployments(client).values():
        for schedule in deployment["schedules"]:
            path = f"deployments/{deployment['id']}/schedules/{schedule['id']}"
            client.patch(path, json={"active": False}).raise_for_status()
    eventually(
        lambda: container.exec("sh", "-c", "ls /data/worker/runs") == "", what="an idle worker"
    )


def end(container: Container, run: str) -> dict[str, Any]:
    with container.client() as client:
        return runs.finished(client, run)


def kill_program(container: Container, program: str) -> None:
    """Kill a program, and wait until all are ready with another process of it."""
    old_pid = container.status()["programs"][program]["pid"]
    container.exec("sh", "-c", f"kill -9 {old_pid}")

    def is_back() -> bool:
        status = container.status()
        return status["healthy"] and status["programs"][program]["pid"] not in {old_pid, None}

    eventually(is_back, what=f"another {program}")


def pids_of(container: Container, words: str) -> list[str]:
    """Return the processes whose command line holds these words."""
    # Written as a pattern that does not match itself.
    pattern = f"[{words[0]}]{words[1:]}"
    find = f"grep -lz -- '{pattern}' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"
    return container.exec("sh", "-c", find, check=False).split()


def nothing_is_left(container: Container, run: str) -> bool:
    """Tell whether nothing of a run is left: neither in the ledger nor as a process."""
    noted = container.exit_code_of("test", "-e", f"/data/worker/runs/{run}.json") == 0
    return not noted and not pids_of(container, LONG)


@pytest.mark.alone
def test_a_stop_lets_a_short_run_end() -> None:
    with running() as container:
        container.wait_healthy()
        with container.client() as client:
            run = start(client, "sleep 2")
        assert container.stop() < 10
        container.start()
        container.wait_healthy()
        assert end(container, run)["type"] == "COMPLETED"


@pytest.mark.alone
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_stop_records_a_run_that_needs_an_hour(engine: str) -> None:
    with running(f"--env=ZOE_DATABASE={engine}") as container:
        container.wait_healthy()
        with container.client() as client:
            run = start(client, LONG)
        assert container.stop() < 10
        assert container.inspect("{{.State.ExitCode}}") == "0"
        assert "SIGKILL" not in container.logs()
        container.start()
        container.wait_healthy()
        final = end(container, run)
        assert final["type"] == "CRASHED"
        assert "Zoe was stopped" in final["message"]
        assert nothing_is_left(container, run)


def test_a_run_that_was_cut_short_is_tried_again_where_that_is_wanted() -> None:
    once = f"test -e /data/tried || {{ touch /data/tried; {LONG}; }}"
    with running("--env=ZOE_ON_CRASH=reschedule") as container:
        container.wait_healthy()
        with container.client() as client:
            run = start(client, once)
        container.stop()
        container.start()
        container.wait_healthy()
        assert end(container, run)["type"] == "COMPLETED"
        with container.client() as client:
            history = (
                client.get("flow_run_states/", params={"flow_run_id": run})
                .raise_for_status()
                .json()
            )
            found = client.get(f"flow_runs/{run}").json()
        again = [state for state in history if state["name"] == "Rescheduled"]
        assert len(again) == 1
        assert "Zoe was stopped" in again[0]["message"]
        assert "sleep 3601" in found["parameters"]["command"]


def kill_the_container(container: Container) -> None:
    docker("kill", container.name)
    container.start()


def kill_the_worker(container: Container) -> None:
    kill_program(container, "worker")


def kill_the_flow(container: Container) -> None:
    """Kill the fork of the template."""
    forks = pids_of(container, "appliance.worker.warm")
    status = " ".join(f"/proc/{pid}/status" for pid in forks)
    parents = container.exec("sh", "-c", f"grep -h ^PPid: {status}").split()[1::2]
    (fork,) = (pid for pid, parent in zip(forks, parents, strict=True) if parent in forks)
    container.exec("sh", "-c", f"kill -9 {fork}")


def kill_the_launcher(container: Container) -> None:
    (launcher,) = pids_of(container, "zoe-flow-run")
    container.exec("sh", "-c", f"kill -9 {launcher}")


KILLS = [kill_the_container, kill_the_worker, kill_the_flow, kill_the_launcher]


@pytest.mark.parametrize("kill", KILLS)
def test_a_killed_run_is_on_record_soon(kill: Callable[[Container], None]) -> None:
    with running() as container:
        container.wait_healthy()
        with container.client() as client:
            # A scheduled run would be another launcher.
            quiet(container, client)
            run = start(client, f"while true; do echo tick; sleep 1; done; {LONG}")
        kill(container)
        container.wait_healthy()
        final = end(container, run)
        # A flow whose worker has died fails by itself, as soon as its output has nowhere to go.
        expected = {"CRASHED", "FAILED"} if kill is kill_the_worker else {"CRASHED"}
        assert final["type"] in expected, final
        eventually(lambda: nothing_is_left(container, run), what="an empty ledger")


def test_a_long_healthy_run_is_never_touched() -> None:
    with running() as container:
        container.wait_healthy()
        with container.client() as client:
            run = start(client, "sleep 25")
            final = runs.finished(client, run)
        assert final["type"] == "COMPLETED"
        assert "lost its process" not in container.logs()


def test_a_server_that_restarts_costs_no_run() -> None:
    with running() as container:
        container.wait_healthy()
        with container.client() as client:
            run = start(client, "for i in $(seq 20); do echo tick-$i; sleep 1; done")
        kill_program(container, "server")
        assert end(container, run)["type"] == "COMPLETED"
        with container.client() as client:

            def ticks() -> int:
                return sum(r["message"].startswith("tick-") for r in runs.logs(client, run))

            # Lines of the time without a server come with a later try, perhaps after the end.
            eventually(lambda: ticks() == 20, what="every line of the log")


def test_draining_by_hand_keeps_new_runs_waiting_and_lets_the_others_end() -> None:
    with running() as container:
        container.wait_healthy()
        with container.client() as client:
            quiet(container, client)
            going_on = start(client, "sleep 8")
            assert "1 are going on" in container.exec("zoe", "worker", "drain")
            deployment = runs.deployments(client)["simple-print"]["id"]
            waiting = runs.create_run(client, deployment)
            assert container.status()["worker"] == {"takes_runs": False, "flow_runs": 1}
            assert "takes no more" in container.exec("zoe", "status")
            assert "the worker is drained" in container.exec("zoe", "worker", "drain", "--wait")
            assert runs.finished(client, going_on)["type"] == "COMPLETED"
            assert runs.state(client, waiting)["type"] == "SCHEDULED"
            container.exec("zoe", "worker", "resume")
            assert runs.finished(client, waiting)["type"] == "COMPLETED"


def test_a_drained_worker_stays_drained_and_healthy_over_a_restart() -> None:
    with running() as container:
        container.wait_healthy()
        container.exec("zoe", "worker", "drain")
        kill_the_worker(container)
        container.wait_healthy()
        assert container.status()["worker"]["takes_runs"] is False
        assert container.exit_code_of("zoe", "health") == 0
