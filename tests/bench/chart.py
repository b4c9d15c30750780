"""The chart: for each metric how many times better than stock, as bars on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tests.bench.figures import factor
from tests.bench.model import Variant
from tests.bench.results import Taken

WIDTH = 880
LEFT = 330
RIGHT = 60
TOP = 74
BOTTOM = 34
BAR = 12
BAR_GAP = 2
GROUP_GAP = 12
# Mid tones that can be told apart on a light and on a dark page, and in grey.
COLOURS = {Variant.TUNED: "#9aa5b1", Variant.COLD: "#5b8def", Variant.ZOE: "#f08c2e"}
INK = "#7a828c"
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Group:
    """The bars of one metric.

    Attributes:
        title: The metric.
        ratios: By variant, how many times better than stock.
    """

    title: str
    ratios: dict[Variant, float]


def groups(results: Iterable[Taken]) -> list[Group]:
    """Return what there is to draw: metrics for which stock and another one have a figure."""
    found = []
    for taken in results:
        for metric in taken.measurement.metrics:
            ratios = {
                variant: ratio
                for variant in COLOURS
                if (ratio := taken.ratio(metric, variant, Variant.STOCK)) is not None
            }
            if ratios:
                found.append(Group(metric.title, ratios))
    return found


def ticks(lowest: float, highest: float) -> list[float]:
    """Return the lines of a logarithmic axis (1, 2, 5, 10 …) that hold all values, 1 included."""
    low, high = min(lowest, 1.0), max(highest, 1.0)
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    steps = [step * 10.0**power for power in range(first, last + 1) for step in _STEPS]
    begin = max(step for step in steps if step <= low * (1 + 1e-9))
    end = min(step for step in steps if step >= high * (1 - 1e-9))
    if begin == end:
        end = min(step for step in steps if step > end)
    return [step for step in steps if begin <= step <= end]


def svg(drawn: Sequence[Group]) -> str:
    """Return the chart."""
    everything = [ratio for group in drawn for ratio in group.ratios.values()]
    marks = ticks(min(everything, default=1.0), max(everything, default=1.0))

    def x(ratio: float) -> float:
        share = math.log(ratio / marks[0]) / math.log(marks[-1] / marks[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    heights = [len(group.ratios) * (BAR + BAR_GAP) + GROUP_GAP for group in drawn]
    bottom = TOP + sum(heights)
    height = bottom + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12" role="img">',
        "<title>How many times better than stock Prefect</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 24, "times better than stock Prefect (logarithmic)", size=15),
        *_legend(drawn),
        *(_tick(x(mark), mark, bottom) for mark in marks),
    ]
    y = float(TOP)
    for group, group_height in zip(drawn, heights, strict=True):
        parts += _group(group, y, x(1.0), {v: x(ratio) for v, ratio in group.ratios.items()})
        y += group_height
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(drawn: Sequence[Group]) -> list[str]:
    parts: list[str] = []
    left = LEFT
    for variant, colour in COLOURS.items():
        if any(variant in group.ratios for group in drawn):
            parts.append(f'<rect x="{left}" y="38" width="12" height="12" fill="{colour}"/>')
            parts.append(_text(left + 18, 48, str(variant)))
            left += 100
    return parts


def _tick(x: float, mark: float, bottom: float) -> str:
    width = 1.5 if mark == 1 else 0.5
    return (
        f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{INK}" '
        f'stroke-width="{width}"/>' + _text(x, bottom + 18, f"{mark:g}", anchor="middle")
    )


def _group(group: Group, top: float, one: float, ends: dict[Variant, float]) -> list[str]:
    middle = top + len(ends) * (BAR + BAR_GAP) / 2 + 4
    parts = [_text(LEFT - 12, middle, group.title, anchor="end")]
    y = top
    for variant, end in ends.items():
        left, width = min(one, end), max(abs(end - one), 1.0)
        words = factor(group.ratios[variant])
        parts.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" '
            f'fill="{COLOURS[variant]}"><title>{escape(f"{variant}: {words}")}</title></rect>'
        )
        # Right of the bar, and of the line at 1 where the bar goes to the left.
        parts.append(_text(max(one, end) + 5, y + BAR - 2, words, size=10))
        y += BAR + BAR_GAP
    return parts


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="#24292f">{escape(words)}</text>'
    )
