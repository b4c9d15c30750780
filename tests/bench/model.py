"""The words of the bench: variants that are compared, measurements, and what they yield."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.bench.scales import Scale

if TYPE_CHECKING:
    from tests.bench.bench import Bench


class Variant(StrEnum):
    """One of the things that stand side by side, in the order of the table's columns."""

    STOCK = "stock"
    TUNED = "tuned"
    COLD = "zoe-cold"
    ZOE = "zoe"

    @property
    def is_ours(self) -> bool:
        return self in OURS


ALL = tuple(Variant)
OURS = (Variant.COLD, Variant.ZOE)
# For what no worker takes part in: there is nothing to tune, and nothing to start warm.
SERVER_ONLY = (Variant.STOCK, Variant.ZOE)


class Better(StrEnum):
    """Which way a number ought to go."""

    LESS = "less"
    MORE = "more"


class Summary(StrEnum):
    """What becomes of the numbers of all repetitions."""

    MEDIAN = "median"
    P95 = "p95"
    WORST = "worst"


@dataclass(frozen=True)
class Metric:
    """One line of the table.

    Attributes:
        key: Tells it from the others of its measurement, in JSON and for targets.
        title: What it is, for people.
        unit: What its numbers count; empty where the title says it.
        better: Whether less or more of it is wanted.
        summary: What becomes of the samples of all repetitions, which are put together before.
        series: The samples that it is made from, where two metrics share one series.
    """

    key: str
    title: str
    unit: str
    better: Better
    summary: Summary = Summary.MEDIAN
    series: str = ""

    @property
    def source(self) -> str:
        return self.series or self.key


Samples = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Measurement:
    """One experiment that is made with each variant.

    Attributes:
        name: What it is called on the command line.
        title: What is measured, in one line.
        method: How, in a sentence or two; with what is counted, and what is not. It may hold
            sizes, such as `{scale.tasks}`.
        metrics: What it yields.
        variants: The ones for which it makes sense.
        take: Does it once; returns samples by series.
    """

    name: str
    title: str
    method: str
    metrics: tuple[Metric, ...]
    variants: tuple[Variant, ...]
    take: Callable[[Bench, Variant], Samples]

    def how(self, scale: Scale) -> str:
        """Return the method with the sizes that were used."""
        return self.method.format(scale=scale)
