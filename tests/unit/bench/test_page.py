from __future__ import annotations

from pathlib import Path

from tests.bench.measurements.catalogue import MEASUREMENTS
from tests.bench.model import Variant
from tests.bench.page import page
from tests.unit.bench.samples import taken

STOP = next(measurement for measurement in MEASUREMENTS if measurement.name == "stop")
PAGE = Path("docs/reference/bench.md")


def test_the_page_has_a_section_a_measurement_and_links_the_chart() -> None:
    result = taken(STOP, stock={"seconds": [2.0]}, zoe={"seconds": [1.0]})
    result.fail(Variant.COLD, "the container ended")
    text = page({"stop": result}, Path("docs/images/bench.svg"), PAGE)
    assert "(../images/bench.svg)" in text
    assert "## Stop" in text
    assert (
        "Measured 3 times on 2026-01-02, 2 cores with a load of 0.1 before, Prefect 3.8.8," in text
    )
    assert "**zoe-cold failed**: the container ended" in text
    assert "## Targets" not in text


def test_a_try_is_not_taken_for_a_result() -> None:
    result = taken(STOP, stock={"seconds": [2.0]})
    result.scale, result.repetitions = "small", 1
    text = page({"stop": result}, None, PAGE)
    assert "a try, no result" in text
    assert "Measured once" in text
    assert "![" not in text
