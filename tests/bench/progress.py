"""Progress for a person who waits for hours: one line a turn, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence

from tests.bench.figures import number, quantile
from tests.bench.order import Turn


def say(line: str) -> None:
    """Write a line at once, with the time of day."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def heading(turn: Turn, place: int, count: int, repetitions: int) -> str:
    """Return what is being done."""
    return (
        f"[{place}/{count}] repetition {turn.repetition + 1} of {repetitions}: "
        f"{turn.measurement.name}, {turn.variant}"
    )


def outcome(samples: Mapping[str, Sequence[float]], seconds: float) -> str:
    """Return what came of it: the median of each series."""
    figures = [f"{name} {number(quantile(values, 0.5))}" for name, values in samples.items()]
    return f"      {', '.join(figures)} ({seconds:.0f} s)"
