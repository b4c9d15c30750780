"""The command line: which measurements, how often, how large, and where results go."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from appliance.errors import OperatorError
from tests.bench.model import Measurement, Variant
from tests.bench.scales import FULL, SCALES, Scale

MOST_REPETITIONS = 100


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    measurements: tuple[Measurement, ...]
    variants: tuple[Variant, ...]
    repetitions: int
    scale: Scale
    json: Path | None
    chart: Path | None
    page: Path | None
    list_only: bool


class _Parser(argparse.ArgumentParser):
    """Refuses in one line, as everything here does."""

    def error(self, message: str) -> NoReturn:
        raise OperatorError(message, remedy="see --help")


def parse(words: Sequence[str], known: Sequence[Measurement]) -> Options:
    """Return what the words ask for.

    Raises:
        OperatorError: They make no sense.
    """
    given = _parser(known).parse_args(words)
    chosen = _chosen(given.names, known)
    variants = tuple(
        Variant(name) for name in _names(given.variants.split(","), list(Variant), "variant")
    )
    for measurement in chosen if given.names else ():
        if not set(variants) & set(measurement.variants):
            raise OperatorError(f"{measurement.name} is not for {given.variants}")
    for path in (given.json, given.chart, given.page):
        if path is not None and not path.parent.is_dir():
            raise OperatorError(f"{path.parent} is not a directory", remedy="make it first")
    return Options(
        measurements=chosen,
        variants=tuple(variant for variant in Variant if variant in variants),
        repetitions=given.repetitions,
        scale=SCALES[given.scale],
        json=given.json,
        chart=given.chart,
        page=given.page,
        list_only=given.list,
    )


def _parser(known: Iterable[Measurement]) -> _Parser:
    parser = _Parser(
        prog="python -m tests.bench",
        description="Measure Zoe and stock Prefect side by side, with the image zoe-prefect.",
        epilog="Measurements: " + ", ".join(measurement.name for measurement in known),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="a measurement; all of them when left out")
    add("--repetitions", type=_count, default=3, metavar="N", help="how often (3)")
    add("--scale", choices=sorted(SCALES), default=FULL.name, help="small is for tries (full)")
    add(
        "--variants",
        default=",".join(Variant),
        metavar="A,B",
        help="of stock, tuned, zoe-cold, zoe (all)",
    )
    add("--json", type=Path, metavar="FILE", help="merge the results into FILE")
    add("--chart", type=Path, metavar="FILE", help="draw the chart (SVG)")
    add("--page", type=Path, metavar="FILE", help="write the page of the documentation")
    add("--list", action="store_true", help="list the measurements and do nothing")
    return parser


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= MOST_REPETITIONS:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a whole number from 1 to {MOST_REPETITIONS}"
        )
    return value


def _chosen(names: list[str], known: Sequence[Measurement]) -> tuple[Measurement, ...]:
    if not names:
        return tuple(known)
    wanted = _names(names, [measurement.name for measurement in known], "measurement")
    return tuple(measurement for measurement in known if measurement.name in wanted)


def _names(given: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise OperatorError(f"there is no {what} '{name}'", remedy=meant)
    return list(given)
