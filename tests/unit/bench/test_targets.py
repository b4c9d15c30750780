from __future__ import annotations

import pytest

from tests.bench import targets
from tests.bench.measurements.catalogue import MEASUREMENTS
from tests.bench.results import Results
from tests.unit.bench.samples import taken

BY_NAME = {measurement.name: measurement for measurement in MEASUREMENTS}


@pytest.mark.parametrize("target", targets.TARGETS)
def test_a_target_is_for_something_that_is_measured(target: targets.Target) -> None:
    measurement = BY_NAME[target.measurement]
    keys = {metric.key for metric in measurement.metrics}
    assert target.key in keys
    assert not target.key_against or target.key_against in keys
    assert target.against is None or target.against in measurement.variants


def verdicts(results: Results) -> list[tuple[str, bool]]:
    return [(v.bound, v.met) for v in targets.verdicts(results)]


def test_bounds_are_absolute_or_a_multiple_of_another_variant() -> None:
    latency = taken(
        BY_NAME["latency"],
        stock={"running": [6.9]},
        tuned={"running": [2.1]},
        zoe={"running": [0.7]},
    )
    found = verdicts({"latency": latency})
    assert [met for _, met in found] == [True, False, True]
    assert "stock" in found[1][0]
    assert "0.69" in found[1][0]


def test_bounds_may_be_multiples_of_ones_own_or_ask_for_more() -> None:
    start = taken(BY_NAME["start"], zoe={"empty": [4.0], "used": [3.0]})
    assert [met for _, met in verdicts({"start": start})] == [False]
    burst = taken(
        BY_NAME["burst"],
        stock={"rate": [10.0]},
        zoe={"rate": [71.0], "lost": [0.0], "api_p95": [1.0]},
    )
    # Seven times as many; none lost; and "below a second" is not reached by a second.
    assert [met for _, met in verdicts({"burst": burst})] == [True, True, False]


def test_what_was_not_measured_is_not_judged() -> None:
    assert verdicts({}) == []
    assert verdicts({"latency": taken(BY_NAME["latency"], stock={"running": [1.0]})}) == []


def test_a_try_is_not_judged() -> None:
    latency = taken(BY_NAME["latency"], zoe={"running": [0.1]})
    assert verdicts({"latency": latency}) != []
    latency.scale = "small"
    assert verdicts({"latency": latency}) == []
