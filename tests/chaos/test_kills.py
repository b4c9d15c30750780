"""`docker kill` in the middle of run creations, twenty times each engine."""

from __future__ import annotations

import os

import pytest

from tests.support.chaos.kills import kill_during_creations
from tests.support.chaos.programs import ENGINES

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))


@pytest.mark.timeout(60 + 60 * ROUNDS)
@pytest.mark.parametrize("engine", ENGINES)
def test_no_acknowledged_run_is_missing(engine: str) -> None:
    kill_during_creations(engine, ROUNDS)
