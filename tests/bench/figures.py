"""From samples to figures: quantiles, summaries, ratios, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.bench.model import Better, Metric, Summary

TIMES = "\N{MULTIPLICATION SIGN}"
# From here on a ratio's decimals say nothing.
PLAIN = 10


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the value below which that share of the samples lies, interpolated linearly."""
    ordered = sorted(samples)
    if not ordered:
        raise ValueError("no samples")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summarise(metric: Metric, samples: Sequence[float]) -> float:
    """Return the one number that stands for the samples of all repetitions."""
    match metric.summary:
        case Summary.MEDIAN:
            return quantile(samples, 0.5)
        case Summary.P95:
            return quantile(samples, 0.95)
        case Summary.WORST:
            return max(samples) if metric.better is Better.LESS else min(samples)


def times_better(metric: Metric, value: float | None, reference: float | None) -> float | None:
    """Return how many times better a value is than the reference, whichever way is better.

    None where a ratio would say nothing: one of the two is missing, or zero.
    """
    if value is None or reference is None or value <= 0 or reference <= 0:
        return None
    return reference / value if metric.better is Better.LESS else value / reference


def number(value: float) -> str:
    """Write a number with three significant digits, without an exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def factor(value: float | None) -> str:
    """Write a ratio: two digits, and a sign that says what it is."""
    if value is None:
        return ""
    return f"{value:.0f} {TIMES}" if value >= PLAIN else f"{value:.2g} {TIMES}"
