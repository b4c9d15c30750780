"""The moments at which a program can die: each brings its stage there, kills, and restores."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.support.chaos import programs
from tests.support.chaos.stage import Stage

FIRST_RUN = "first run"

# What appears when a database is being made. Copying SQLite's takes a few thousandths of a second.
_DATABASE_IN_THE_MAKING = {
    "sqlite": "/data/database",
    "postgres": "/data/.postgres.tar.gz.*",
}
_MAKER = {"sqlite": "server", "postgres": "database"}
_BACKUP_IN_THE_MAKING = "/data/backups/.partial-*"


def first_run(stage: Stage) -> None:
    """On an empty volume: the maker of the database in the middle of it, others at their start."""
    makes_it = stage.program in {_MAKER[stage.engine], programs.CONTAINER}
    seen = _DATABASE_IN_THE_MAKING[stage.engine] if makes_it else None
    assert programs.kill_when(stage.container, stage.program, seen)
    _after_a_start(stage)


def start_up(stage: Stage) -> None:
    """As soon as the program is there."""
    stage.container.stop()
    stage.container.start()
    assert programs.kill_when(stage.container, stage.program)
    _after_a_start(stage)


def idle(stage: Stage) -> None:
    """While nothing goes on."""
    old = programs.pids(stage.container, stage.program)
    programs.kill(stage.container, stage.program)
    _afterwards(stage, old)


def running_flows(stage: Stage) -> None:
    """While flow runs go on."""
    stage.start_flows(stage.flows)
    idle(stage)


def backup(stage: Stage) -> None:
    """While a backup is being made; the next one must be whole."""
    container = stage.container
    old = programs.pids(container, stage.program)
    with subprocess.Popen(
        ["docker", "exec", container.name, "zoe", "backup", "create"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as making:
        assert programs.kill_when(container, stage.program, _BACKUP_IN_THE_MAKING)
        _afterwards(stage, old)
        making.wait()
    container.exec("zoe", "backup", "create")
    container.exec("zoe", "backup", "verify")


def stopping(stage: Stage) -> None:
    """While it stops, with a flow run that keeps it from stopping at once."""
    stage.start_flows(1)
    assert programs.stop_and_kill(stage.container, stage.program)
    stage.restart_after_end()


def _after_a_start(stage: Stage) -> None:
    # Health is new with each start, so that no earlier process can be taken for the next one.
    _afterwards(stage, set())


def _afterwards(stage: Stage, old: set[int]) -> None:
    if stage.program == programs.CONTAINER:
        stage.restart_after_end()
    else:
        stage.come_back(old)


PHASES: dict[str, Callable[[Stage], None]] = {
    FIRST_RUN: first_run,
    "start-up": start_up,
    "idle": idle,
    "running flows": running_flows,
    "backup": backup,
    "stopping": stopping,
}
