from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.bench import chart
from tests.bench.model import Variant
from tests.unit.bench.samples import RATE, SECONDS, measurement, taken

NAMESPACE = "{http://www.w3.org/2000/svg}"


def bars(text: str) -> list[tuple[float, float]]:
    root = ET.fromstring(text)  # noqa: S314 - our own text
    found = [rect for rect in root.iter(f"{NAMESPACE}rect") if len(rect)]
    return [(float(rect.attrib["x"]), float(rect.attrib["width"])) for rect in found]


def test_there_is_a_group_a_metric_with_a_ratio() -> None:
    start = taken(measurement("start", SECONDS), stock={"seconds": [8.0]}, zoe={"seconds": [1.0]})
    burst = taken(measurement("burst", RATE), zoe_cold={"rate": [100.0]})
    assert chart.groups([start, burst]) == [chart.Group("start", {Variant.ZOE: 8.0})]


def test_better_goes_to_the_right_and_worse_to_the_left() -> None:
    drawn = [
        chart.Group("fast & <slow>", {Variant.TUNED: 10.0, Variant.ZOE: 100.0}),
        chart.Group("worse", {Variant.ZOE: 0.5}),
    ]
    (ten, ten_width), (hundred, hundred_width), (half, half_width) = bars(chart.svg(drawn))
    assert ten == hundred > half
    assert hundred_width == pytest.approx(2 * ten_width, abs=0.2)
    assert half + half_width == pytest.approx(ten, abs=0.2)


def test_no_change_at_all_can_be_seen() -> None:
    ((_, width),) = bars(chart.svg([chart.Group("same", {Variant.ZOE: 1.0})]))
    assert width == 1


def test_nothing_to_draw_is_a_chart_nevertheless() -> None:
    assert bars(chart.svg([])) == []


@pytest.mark.parametrize(
    ("lowest", "highest", "marks"),
    [
        (1, 1, [1, 2]),
        (2, 12, [1, 2, 5, 10, 20]),
        (0.6, 5, [0.5, 1, 2, 5]),
        (0.02, 0.03, [0.02, 0.05, 0.1, 0.2, 0.5, 1]),
    ],
)
def test_the_axis_holds_all_values_and_one(
    lowest: float, highest: float, marks: list[float]
) -> None:
    assert chart.ticks(lowest, highest) == pytest.approx(marks)
