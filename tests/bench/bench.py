"""What measurements are given, and how a list of turns is carried out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from subprocess import SubprocessError

import httpx

from tests.bench import progress
from tests.bench.machine import describe
from tests.bench.model import Samples, Variant
from tests.bench.order import Turn
from tests.bench.results import Results, Taken
from tests.bench.scales import Scale
from tests.bench.subjects.subject import Wanted

WHY_CHARACTERS = 400
# What may go wrong with containers and their answers; a mistake in the bench itself ends it.
WORLD = (
    AssertionError,
    RuntimeError,
    OSError,
    ValueError,
    SubprocessError,
    httpx.HTTPError,
)


@dataclass(frozen=True)
class Bench:
    """What every measurement is given.

    Attributes:
        scale: The sizes.
        flows: The volume with the bench's flows.
    """

    scale: Scale
    flows: str

    def wanted(self, variant: Variant) -> Wanted:
        """Return a subject as most measurements want it."""
        return Wanted(variant, self.flows)


def carry_out(
    bench: Bench, turns: Sequence[Turn], repetitions: int, keep: Callable[[Results], None]
) -> Results:
    """Take all turns, and go on where one fails.

    Args:
        bench: What the measurements are given.
        turns: What to do.
        repetitions: How many there are, for the record.
        keep: Told all results after each turn, since the whole takes hours.
    """
    results: Results = {}
    machine = describe()
    for place, turn in enumerate(turns, 1):
        name = turn.measurement.name
        if name not in results:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            results[name] = Taken(turn.measurement, at, bench.scale.name, repetitions, machine)
        progress.say(progress.heading(turn, place, len(turns), repetitions))
        _take(bench, turn, results[name])
        keep(results)
    return results


def _take(bench: Bench, turn: Turn, taken: Taken) -> None:
    began = time.monotonic()
    try:
        samples: Samples = turn.measurement.take(bench, turn.variant)
    except WORLD as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:WHY_CHARACTERS]
        taken.fail(turn.variant, why)
        progress.say(f"      failed: {why}")
    else:
        taken.add(turn.variant, samples)
        progress.say(progress.outcome(samples, time.monotonic() - began))
