"""In which order things are measured, so that a machine that changes meanwhile favours nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.model import Measurement, Variant


@dataclass(frozen=True)
class Turn:
    """One measurement with one variant in one repetition."""

    repetition: int
    measurement: Measurement
    variant: Variant


def turns(
    measurements: Iterable[Measurement], variants: Sequence[Variant], repetitions: int
) -> Iterator[Turn]:
    """Yield all turns: the variants of one measurement in a row, another one first each time."""
    chosen = list(measurements)
    for repetition in range(repetitions):
        for measurement in chosen:
            here = [variant for variant in measurement.variants if variant in variants]
            shift = repetition % len(here) if here else 0
            for variant in here[shift:] + here[:shift]:
                yield Turn(repetition, measurement, variant)


def spread(count: int, width: float) -> list[float]:
    """Return pauses that fill 0 to `width` evenly, in an order that looks random.

    The fractional parts of multiples of the golden ratio: no two runs fall close together, and the
    next repetition of a program gets the same ones.
    """
    golden = (5**0.5 - 1) / 2
    return [width * ((position + 1) * golden % 1) for position in range(count)]
