"""What happens when it is stopped, when a program dies or hangs, and when one cannot start."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.container import Container, docker, eventually, run_to_the_end, running, volume

# `make chaos` takes the twenty; a few in a row show the same on every submission.
ROUNDS = int(os.environ.get("STOP_ROUNDS", "3"))
ENGINES = ("sqlite", "postgres")
ALL_READY = "all programs are ready"


def pids(container: Container) -> dict[str, int]:
    return {name: program["pid"] for name, program in container.status()["programs"].items()}


def is_back(container: Container, program: str, old_pid: int) -> bool:
    status = container.status()
    found = status["programs"].get(program)
    return bool(status["healthy"] and found and found["pid"] not in {old_pid, None})


@pytest.mark.alone
@pytest.mark.parametrize("engine", ENGINES)
def test_an_idle_container_stops_soon_and_cleanly_again_and_again(engine: str) -> None:
    # A project without deployments: every five minutes the shipped one is not idle.
    with running(f"--env=ZOE_DATABASE={engine}", "--env=ZOE_PROJECTS=/data") as container:
        for _ in range(ROUNDS):
            container.wait_healthy()
            assert container.stop() < 8
            assert container.inspect("{{.State.ExitCode}}") == "0"
            container.start()
        container.wait_healthy()
        log = container.logs()
        assert "not properly shut down" not in log
        assert "SIGKILL" not in log
        if engine == "postgres":
            assert log.count("database system is shut down") >= ROUNDS


@pytest.mark.parametrize("engine", ENGINES)
def test_programs_start_when_the_one_before_is_ready(engine: str) -> None:
    with running(f"--env=ZOE_DATABASE={engine}") as container:
        container.wait_healthy()
        log = container.logs()
    order = [
        name for name in ("database", "server", "deployer", "worker") if f"spawned: '{name}'" in log
    ]
    assert order == (["database"] if engine == "postgres" else []) + [
        "server",
        "deployer",
        "worker",
    ]
    positions = [
        position
        for name in order
        for position in (log.index(f"spawned: '{name}'"), log.index(f"{name} is ready"))
    ]
    assert positions == sorted(positions)


@pytest.fixture(scope="module")
def with_all_programs() -> Iterator[Container]:
    with running("--env=ZOE_DATABASE=postgres") as container:
        yield container


@pytest.mark.alone
@pytest.mark.parametrize("program", ["database", "server", "deployer", "worker", "conductor"])
def test_a_killed_program_is_back_within_15_seconds(
    with_all_programs: Container, program: str
) -> None:
    container = with_all_programs
    container.wait_healthy()
    if program == "conductor":
        find = "grep -l supervisor.conductor /proc/[0-9]*/cmdline | cut -d/ -f3 | head -1"
        old_pid = int(container.exec("sh", "-c", find))
    else:
        old_pid = pids(container)[program]
    verdicts = container.logs().count(ALL_READY)
    container.exec("sh", "-c", f"kill -9 {old_pid}")
    if program == "conductor":
        # What `zoe health` says at first is still the word of the one that is gone.
        eventually(lambda: container.logs().count(ALL_READY) > verdicts, within=15)
        container.wait_healthy(within=15)
    else:
        eventually(lambda: is_back(container, program, old_pid), within=15, what=program)
    assert container.is_running()


@pytest.mark.alone
@pytest.mark.parametrize("program", ["server", "worker"])
def test_a_hanging_program_is_restarted_by_the_watchdog(
    with_all_programs: Container, program: str
) -> None:
    container = with_all_programs
    container.wait_healthy()
    old_pid = pids(container)[program]
    container.exec("sh", "-c", f"kill -STOP {old_pid}")
    eventually(lambda: is_back(container, program, old_pid), within=150, what=program)
    assert f"restarting {program}: it hangs" in container.logs()


# What only the server itself finds out, whenever it starts. (A module that is not there would not
# do: Prefect 3.8.8 looks for most of them when they are used.)
NO_NUMBER = "--env=PREFECT_SERVER_DATABASE_TIMEOUT=soon"


def test_a_program_that_can_never_start_ends_the_container() -> None:
    with running(NO_NUMBER) as container:
        assert container.wait_exit() == 1
        last_lines = container.logs().strip().splitlines()[-3:]
    verdict = [line for line in last_lines if "gave up on server" in line]
    assert len(verdict) == 1, last_lines
    assert "1 validation error for ServerDatabaseSettings" in verdict[0]


def test_a_restart_policy_sees_the_failure() -> None:
    with volume() as data:
        spoil = "mkdir -p /data/database && echo this is no database > /data/database/prefect.db"
        run_to_the_end(f"--volume={data}:/data", "--entrypoint=sh", command=["-c", spoil])
        with running(f"--volume={data}:/data", "--restart=on-failure:1") as container:
            eventually(
                lambda: (
                    container.inspect("{{.RestartCount}}") == "1" and not container.is_running()
                ),
                within=240,
                what="a second try by Docker",
            )


def test_everything_is_there_after_the_container_was_replaced() -> None:
    with volume() as data:
        with running(f"--volume={data}:/data") as first:
            first.wait_healthy()
            password = first.password()
            with first.client() as client:
                flow = client.post("flows/", json={"name": "kept"}).raise_for_status().json()
        with running(f"--volume={data}:/data") as second:
            second.wait_healthy()
            assert second.password() == password
            with second.client() as client:
                found = client.get("flows/name/kept").raise_for_status().json()
            assert found["id"] == flow["id"]
            log = second.logs()
            assert "created " not in log, "the second pass changed something"


@pytest.mark.alone
def test_sighup_reads_the_settings_anew() -> None:
    with running() as container:
        container.wait_healthy()
        old_pid = pids(container)["server"]
        docker("kill", "--signal=HUP", container.name)
        eventually(lambda: is_back(container, "server", old_pid), within=90, what="the restart")
        assert container.is_running()
