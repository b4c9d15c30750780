"""What the bench must show, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.figures import TIMES, number
from tests.bench.model import Better, Metric, Variant
from tests.bench.results import Results, Taken
from tests.bench.scales import FULL


@dataclass(frozen=True)
class Target:
    """A bound for one figure of ours.

    Attributes:
        measurement: Which measurement.
        key: Which of its metrics.
        bound: The most, or the least where more is better.
        against: Whose figure the bound is a multiple of; of nothing when left out.
        key_against: The metric of that figure, where it is another one; our own, then, when
            `against` is left out.
        strictly: Whether to reach the bound is not enough.
    """

    measurement: str
    key: str
    bound: float
    against: Variant | None = None
    key_against: str = ""
    strictly: bool = False


TARGETS = (
    Target("latency", "running_p50", 0.7),
    Target("latency", "running_p50", 1 / 10, Variant.STOCK),
    Target("latency", "running_p50", 1 / 3, Variant.TUNED),
    Target("burst", "rate", 7, Variant.STOCK),
    Target("burst", "lost", 0),
    Target("burst", "api_p95", 1, strictly=True),
    Target("cpu", "flow_and_worker", 1 / 10, Variant.STOCK),
    Target("memory", "flow", 30),
    Target("start", "empty", 0.6, Variant.STOCK),
    Target("start", "empty", 1.2, key_against="used"),
    Target("clients-sqlite", "errors", 0),
    Target("clients-postgres", "errors", 0),
    Target("clients-postgres", "rate", 1.0, Variant.STOCK),
    Target("apply", "first", 1 / 5, Variant.STOCK),
    Target("apply", "noop", 1 / 20, Variant.STOCK),
)


@dataclass(frozen=True)
class Verdict:
    """How we stand to one target."""

    title: str
    bound: str
    value: str
    met: bool


def verdicts(results: Results) -> Iterator[Verdict]:
    """Yield a verdict for each target that there are figures for.

    It is what people get without a setting that counts. A try with small sizes is not judged.
    """
    for target in TARGETS:
        taken = results.get(target.measurement)
        if taken is not None and taken.scale == FULL.name:
            metric = next(m for m in taken.measurement.metrics if m.key == target.key)
            verdict = _verdict(target, taken, metric, Variant.ZOE)
            if verdict is not None:
                yield verdict


def _verdict(target: Target, taken: Taken, metric: Metric, variant: Variant) -> Verdict | None:
    value = taken.value(metric, variant)
    bound = target.bound
    words = number(target.bound)
    if target.against is not None or target.key_against:
        key = target.key_against or target.key
        other = next(m for m in taken.measurement.metrics if m.key == key)
        base = taken.value(other, target.against or variant)
        if base is None:
            return None
        bound *= base
        whose = f"{target.against}'s" if target.against else f"its {other.title}"
        words = f"{number(target.bound)} {TIMES} {whose}"
    if value is None:
        return None
    is_more = metric.better is Better.MORE
    met = (value > bound if is_more else value < bound) or (not target.strictly and value == bound)
    sign = (">" if is_more else "<") if target.strictly else ("≥" if is_more else "≤")
    unit = f" {metric.unit}" if metric.unit else ""
    full = f"{sign} {words}" + ("" if bound == target.bound else f" = {number(bound)}") + unit
    return Verdict(metric.title, full, number(value), met)


def markdown(results: Results) -> list[str]:
    """Return the table of targets for the documentation."""
    return [
        "| what | target | measured | |",
        "|---|---|---:|---|",
        *(
            f"| {verdict.title} | {verdict.bound} | {verdict.value} | "
            f"{'met' if verdict.met else '**missed**'} |"
            for verdict in verdicts(results)
        ),
    ]
