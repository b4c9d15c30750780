from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.model import Variant
from tests.bench.results import dump, merged, parse, read
from tests.unit.bench.samples import RATE, SECONDS, SLOWEST, measurement, taken

START = measurement("start", SECONDS, SLOWEST)
BURST = measurement("burst", RATE)
KNOWN = (START, BURST)


def test_samples_of_all_repetitions_are_put_together() -> None:
    result = taken(START, stock={"seconds": [8.0]}, zoe={"seconds": [1.0, 2.0]})
    result.add(Variant.ZOE, {"seconds": [9.0]})
    assert result.value(SECONDS, Variant.ZOE) == 2
    assert result.value(SLOWEST, Variant.ZOE) == pytest.approx(8.3)
    assert result.ratio(SECONDS, Variant.ZOE, Variant.STOCK) == 4
    assert result.value(SECONDS, Variant.TUNED) is None


def test_a_variant_that_failed_once_has_no_figures() -> None:
    result = taken(START, stock={"seconds": [8.0]}, zoe={"seconds": [1.0]})
    result.fail(Variant.ZOE, "the container ended")
    result.fail(Variant.ZOE, "another reason")
    assert result.value(SECONDS, Variant.ZOE) is None
    assert result.ratio(SECONDS, Variant.ZOE, Variant.STOCK) is None
    assert result.failures == {Variant.ZOE: "the container ended"}


def test_json_holds_figures_and_comes_back_as_it_was() -> None:
    result = taken(START, stock={"seconds": [8.0]}, zoe_cold={"seconds": [2.0]})
    result.fail(Variant.TUNED, "no")
    text = dump({"start": result})
    metric = json.loads(text)["measurements"]["start"]["metrics"][0]
    assert metric["values"] == {"stock": 8, "tuned": None, "zoe-cold": 2, "zoe": None}
    assert metric["times_better_than"]["stock"]["zoe-cold"] == 4
    assert (metric["unit"], metric["better"]) == ("s", "less")
    again = parse(text, KNOWN)["start"]
    assert (again.samples, again.failures, again.at) == (result.samples, result.failures, result.at)


def test_a_measurement_is_replaced_as_a_whole() -> None:
    earlier = {
        "burst": taken(BURST, stock={"rate": [1.0]}),
        "start": taken(START, stock={"seconds": [8.0]}, zoe={"seconds": [1.0]}),
    }
    now = {"start": taken(START, zoe={"seconds": [2.0]})}
    both = merged(earlier, now, KNOWN)
    assert list(both) == ["start", "burst"]
    assert both["start"].value(SECONDS, Variant.STOCK) is None
    assert both["burst"].value(RATE, Variant.STOCK) == 1


def test_what_is_no_longer_measured_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    assert read(path, KNOWN) == {}
    path.write_text(dump({"start": taken(START), "gone": taken(measurement("gone", SECONDS))}))
    assert list(read(path, KNOWN)) == ["start"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0, "measurements": {}}'])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"what the bench has written|Expecting value"):
        parse(text, KNOWN)
