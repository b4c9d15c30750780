from __future__ import annotations

import pytest

from tests.bench.figures import factor, number, quantile, summarise, times_better
from tests.bench.model import Better, Metric, Summary
from tests.unit.bench.samples import RATE, SECONDS, SLOWEST


def test_quantiles_are_interpolated() -> None:
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([1, 2], 0.5) == 1.5
    assert quantile([1, 2, 3, 4, 5], 0.95) == pytest.approx(4.8)
    assert quantile([7], 0.95) == 7
    with pytest.raises(ValueError, match="no samples"):
        quantile([], 0.5)


def test_a_summary_is_what_the_metric_asks_for() -> None:
    samples = [1.0, 2.0, 9.0]
    assert summarise(SECONDS, samples) == 2
    assert summarise(SLOWEST, samples) == pytest.approx(8.3)
    assert summarise(Metric("lost", "lost", "", Better.LESS, Summary.WORST), samples) == 9
    assert summarise(Metric("kept", "kept", "", Better.MORE, Summary.WORST), samples) == 1


def test_a_ratio_says_how_many_times_better_whichever_way_is_better() -> None:
    assert times_better(SECONDS, 2, 10) == 5
    assert times_better(RATE, 10, 2) == 5
    assert times_better(SECONDS, 10, 5) == 0.5


@pytest.mark.parametrize(("value", "reference"), [(None, 1), (1, None), (0, 1), (1, 0), (-1, 1)])
def test_there_is_no_ratio_to_nothing(value: float | None, reference: float | None) -> None:
    assert times_better(SECONDS, value, reference) is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (0.7, "0.7"),
        (7.849, "7.85"),
        (10, "10"),
        (123.4, "123"),
        (1234.5, "1,234"),
        (-1.5, "-1.5"),
    ],
)
def test_numbers_have_three_digits(value: float, written: str) -> None:
    assert number(value) == written


def test_ratios_are_written_with_two_digits() -> None:
    assert factor(None) == ""
    assert factor(0.873).startswith("0.87")
    assert factor(9.96).startswith("10")
    assert factor(123.4).startswith("123")
