"""SIGKILL for each program in each phase on each engine."""

from __future__ import annotations

import pytest

from tests.support.chaos.cells import Containers, play
from tests.support.chaos.phases import PHASES
from tests.support.chaos.programs import ENGINES, PROGRAMS, exists

FLOWS = 20


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("engine", "program"),
    [(engine, program) for engine in ENGINES for program in PROGRAMS if exists(engine, program)],
)
def test_a_killed_program(containers: Containers, engine: str, program: str, phase: str) -> None:
    play(containers, engine, program, phase, FLOWS)
