"""A list of turns, with measurements that are made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench import bench as bench_module
from tests.bench.bench import Bench, carry_out
from tests.bench.model import Samples, Variant
from tests.bench.order import turns
from tests.bench.results import Results
from tests.bench.scales import SMALL
from tests.unit.bench.samples import SECONDS, measurement

BENCH = Bench(SMALL, "flows")


@pytest.fixture(autouse=True)
def _a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_module, "describe", lambda: {"cores": 2})


def take(_: Bench, variant: Variant) -> Samples:
    if variant is Variant.STOCK:
        raise RuntimeError("the container\nended")
    return {"seconds": [1.0]}


def test_a_failure_is_put_on_record_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = replace(measurement("start", SECONDS), take=take)
    plan = list(turns([made], [Variant.STOCK, Variant.ZOE], 2))
    kept: list[int] = []

    def keep(results: Results) -> None:
        kept.append(len(results))

    found = carry_out(BENCH, plan, 2, keep)["start"]
    assert found.failures == {Variant.STOCK: "RuntimeError: the container ended"}
    assert found.samples == {Variant.ZOE: {"seconds": [1.0, 1.0]}}
    assert kept == [1, 1, 1, 1]
    told = capsys.readouterr()
    assert told.out == ""
    assert "[1/4] repetition 1 of 2: start, stock" in told.err
    assert "failed: RuntimeError: the container ended" in told.err


def test_a_mistake_of_ours_is_not_taken_for_a_result() -> None:
    def wrong(_: Bench, variant: Variant) -> Samples:
        raise KeyError(variant)

    made = replace(measurement("start", SECONDS), take=wrong)
    with pytest.raises(KeyError):
        carry_out(BENCH, list(turns([made], [Variant.ZOE], 1)), 1, lambda _: None)
