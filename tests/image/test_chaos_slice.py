"""A slice of the chaos table, which `make chaos` plays in full: each program, phase and engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chaos.cells import Containers, play
from tests.support.chaos.kills import kill_during_creations
from tests.support.chaos.programs import ENGINES

FLOWS = 4


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    kept = Containers()
    yield kept
    kept.close()


@pytest.mark.parametrize(
    ("engine", "program", "phase"),
    [
        ("sqlite", "container", "first run"),
        ("sqlite", "deployer", "idle"),
        ("sqlite", "conductor", "idle"),
        ("sqlite", "worker", "running flows"),
        ("sqlite", "server", "backup"),
        ("postgres", "maintenance", "start-up"),
        ("postgres", "database", "running flows"),
        ("postgres", "container", "stopping"),
    ],
)
def test_a_killed_program(containers: Containers, engine: str, program: str, phase: str) -> None:
    play(containers, engine, program, phase, FLOWS)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_acknowledged_run_is_missing_after_a_kill(engine: str) -> None:
    kill_during_creations(engine, rounds=1)
