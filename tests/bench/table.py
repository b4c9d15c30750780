"""The table: a row a metric, a column a variant, and how many times better ours are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.figures import factor, number
from tests.bench.model import Metric, Variant
from tests.bench.results import Taken

FAILED = "failed"
HEADER = (
    "measurement",
    "",
    *map(str, Variant),
    "zoe : stock",
    "zoe : tuned",
)
_RATIOS = (
    (Variant.ZOE, Variant.STOCK),
    (Variant.ZOE, Variant.TUNED),
)


def rows(taken: Taken) -> list[tuple[str, ...]]:
    """Return a measurement's rows, each as wide as the header."""
    return [_row(taken, metric) for metric in taken.measurement.metrics]


def _row(taken: Taken, metric: Metric) -> tuple[str, ...]:
    values = [_cell(taken, metric, variant) for variant in Variant]
    ratios = [factor(taken.ratio(metric, *pair)) for pair in _RATIOS]
    return (metric.title, metric.unit, *values, *ratios)


def _cell(taken: Taken, metric: Metric, variant: Variant) -> str:
    if variant in taken.failures:
        return FAILED
    value = taken.value(metric, variant)
    return "" if value is None else number(value)


def terminal(results: Iterable[Taken]) -> str:
    """Return the table in columns for a terminal."""
    lines: list[Sequence[str]] = [HEADER]
    for taken in results:
        lines += rows(taken)
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    text = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]]) + "\n"


def markdown(taken: Taken) -> list[str]:
    """Return one measurement's table for the documentation, without columns that are empty."""
    body = rows(taken)
    kept = [
        column for column in range(len(HEADER)) if column < 2 or any(row[column] for row in body)
    ]
    return [
        _line([HEADER[column] for column in kept]),
        "|" + "|".join("---" if column < 2 else "---:" for column in kept) + "|",
        *(_line([row[column] for column in kept]) for row in body),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
