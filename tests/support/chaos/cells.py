"""One cell of the chaos table: a program, a phase, an engine, and what must hold afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.chaos import invariants, record
from tests.support.chaos.creations import Creations
from tests.support.chaos.phases import FIRST_RUN, PHASES
from tests.support.chaos.stage import Stage, arguments, pause_schedules
from tests.support.container import Container, running

# Acknowledged before the blow; others are while it falls and afterwards.
PROMISED_BEFORE = 20
LOG_CHARACTERS = 8000


@contextmanager
def telling(container: Container) -> Iterator[None]:
    """Add the end of the container's log to what went wrong, before the container is removed."""
    try:
        yield
    except Exception as error:
        error.add_note(container.logs()[-LOG_CHARACTERS:])
        raise


class Containers:
    """One container, used for one cell after the other while all is well."""

    def __init__(self) -> None:
        self._engine = ""
        self._container: Container | None = None
        self._stack = ExitStack()

    @contextmanager
    def lent(self, engine: str, phase: str) -> Iterator[Container]:
        """Lend a healthy container, or for the first run one that has just been started."""
        if phase == FIRST_RUN:
            with running(*arguments(engine)) as container:
                yield container
            return
        try:
            yield self._of(engine)
        except BaseException:
            # What it was left in is nothing to go on with.
            self.close()
            raise

    def close(self) -> None:
        """Remove it."""
        self._container = None
        self._stack.close()

    def _of(self, engine: str) -> Container:
        if self._container is None or self._engine != engine:
            self.close()
            self._engine = engine
            self._container = self._stack.enter_context(running(*arguments(engine)))
            self._container.wait_healthy()
            pause_schedules(self._container)
        return self._container


def play(containers: Containers, engine: str, program: str, phase: str, flows: int) -> None:
    """Kill, wait until all is well, look whether all is there, and put it on record.

    Args:
        containers: Where to take a container from.
        engine: The database.
        program: What is killed.
        phase: When.
        flows: How many flow runs go on in the phase that wants many.
    """
    with (
        record.outcome(record.CELL, engine=engine, program=program, phase=phase) as details,
        containers.lent(engine, phase) as container,
        telling(container),
    ):
        stage = Stage(container, engine, program, flows)
        with Creations(container) as creations:
            if phase != FIRST_RUN:
                creations.wait_for(PROMISED_BEFORE)
            began = time.monotonic()
            PHASES[phase](stage)
            details["seconds"] = round(time.monotonic() - began, 1)
        stage.release()
        with stage.client() as http:
            promised = creations.acknowledged + stage.started
            invariants.nothing_is_missing(http, promised)
            ends = invariants.everything_is_at_rest(container, http, stage.started)
        invariants.database_is_sound(container, engine)
        invariants.nothing_is_left_behind(container)
        details |= {
            "acknowledged": len(promised),
            "ends": dict(ends),
            "exit_code": stage.exit_code,
        }
