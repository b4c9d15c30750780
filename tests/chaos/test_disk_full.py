"""A full disk during a run, a backup and a migration: no corruption, clear words, and recovery."""

from __future__ import annotations

import pytest

from tests.support.chaos import invariants, record
from tests.support.chaos.cells import telling
from tests.support.chaos.creations import Creations
from tests.support.chaos.programs import ENGINES
from tests.support.chaos.small_disk import small_disk
from tests.support.chaos.stage import Stage, arguments, pause_schedules
from tests.support.container import Container, docker, eventually, running

MEGABYTES = 300
# What leaves no room to migrate an empty database, but enough to begin.
ROOM_TO_BEGIN_KILOBYTES = {"sqlite": 400, "postgres": 50_000}
# The kernel's words, SQLite's, and those of a backup that does not begin what would fill the disk.
WORDS = ("No space left on device", "disk is full", "free on the disk")


def says_so(container: Container) -> bool:
    log = container.logs()
    return any(words in log for words in WORDS)


def comes_back(container: Container) -> None:
    """Wait for health; a container that gave up is started again, as Docker's policy would."""

    def healthy() -> bool:
        if not container.is_running():
            assert container.wait_exit() != 0
            container.start()
            return False
        return container.exit_code_of("zoe", "health", "--quiet") == 0

    eventually(healthy, what="health after space was freed")


@pytest.mark.parametrize("engine", ENGINES)
def test_while_flows_run(engine: str) -> None:
    with (
        record.outcome("disk full while flows run", engine=engine) as details,
        small_disk(MEGABYTES) as disk,
        running(*arguments(engine), f"--volume={disk.volume}:/data") as container,
        telling(container),
    ):
        container.wait_healthy()
        pause_schedules(container)
        stage = Stage(container, engine, "", 0)
        stage.start_flows(2)
        with Creations(container, limit=100_000, pause=0) as creations:
            creations.wait_for(20)
            disk.fill()
            eventually(lambda: says_so(container), what="a word about the full disk")
            disk.free()
            comes_back(container)
        stage.release()
        with stage.client() as http:
            invariants.nothing_is_missing(http, creations.acknowledged + stage.started)
            ends = invariants.everything_is_at_rest(container, http, stage.started)
        invariants.database_is_sound(container, engine)
        invariants.nothing_is_left_behind(container)
        details |= {"acknowledged": len(creations.acknowledged), "ends": dict(ends)}


@pytest.mark.parametrize("engine", ENGINES)
def test_during_a_backup(engine: str) -> None:
    with (
        record.outcome("disk full during a backup", engine=engine),
        small_disk(MEGABYTES) as disk,
        running(*arguments(engine), f"--volume={disk.volume}:/data") as container,
        telling(container),
    ):
        container.wait_healthy()
        container.exec("zoe", "backup", "create")
        before = container.exec("zoe", "backup", "list", "--json")
        disk.fill(leave_kilobytes=64)
        done = docker("exec", container.name, "zoe", "backup", "create", check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        assert any(words in done.stderr for words in WORDS), done.stderr
        assert "Traceback" not in done.stderr
        assert container.exec("zoe", "backup", "list", "--json") == before
        strictly = ("zoe", "health", "--quiet", "--strict")
        eventually(lambda: container.exit_code_of(*strictly) == 1, what="degraded health")
        disk.free()
        comes_back(container)
        container.exec("zoe", "backup", "verify")
        invariants.nothing_is_left_behind(container)
        container.exec("zoe", "backup", "create")
        eventually(lambda: container.exit_code_of(*strictly) == 0, what="strict health")
        invariants.database_is_sound(container, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_during_a_migration(engine: str) -> None:
    with (
        record.outcome("disk full during a migration", engine=engine),
        small_disk(MEGABYTES) as disk,
    ):
        disk.fill(leave_kilobytes=ROOM_TO_BEGIN_KILOBYTES[engine])
        # Without the ready-made database the first start has to migrate an empty one.
        with running(
            *arguments(engine), f"--volume={disk.volume}:/data", "--env=ZOE_TEMPLATES=/nowhere"
        ) as container:
            assert container.wait_exit(within=400) == 1, container.logs()
            verdict = container.logs().strip().splitlines()[-3:]
            assert any(words in line for words in WORDS for line in verdict), verdict
            disk.free()
            container.start()
            container.wait_healthy()
            pause_schedules(container)
            invariants.database_is_sound(container, engine)
            invariants.nothing_is_left_behind(container)
