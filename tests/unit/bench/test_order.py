from __future__ import annotations

from tests.bench.model import SERVER_ONLY, Variant
from tests.bench.order import spread, turns
from tests.unit.bench.samples import SECONDS, measurement


def test_variants_take_turns_and_another_one_begins_each_time() -> None:
    made = measurement("start", SECONDS, variants=(Variant.STOCK, Variant.COLD, Variant.ZOE))
    order = [turn.variant for turn in turns([made], list(Variant), 3)]
    stock, cold, zoe = Variant.STOCK, Variant.COLD, Variant.ZOE
    assert order == [stock, cold, zoe, cold, zoe, stock, zoe, stock, cold]


def test_every_measurement_is_made_before_any_is_repeated() -> None:
    both = [measurement(name, SECONDS, variants=(Variant.ZOE,)) for name in ("start", "stop")]
    order = [(turn.repetition, turn.measurement.name) for turn in turns(both, list(Variant), 2)]
    assert order == [(0, "start"), (0, "stop"), (1, "start"), (1, "stop")]


def test_variants_that_were_not_asked_for_have_no_turn() -> None:
    made = measurement("start", SECONDS, variants=SERVER_ONLY)
    assert [turn.variant for turn in turns([made], [Variant.COLD, Variant.ZOE], 1)] == [Variant.ZOE]
    assert list(turns([made], [Variant.COLD], 2)) == []


def test_pauses_fill_the_interval_evenly() -> None:
    pauses = spread(10, 10)
    assert pauses == spread(10, 10)
    assert {int(pause) for pause in pauses} >= {0, 1, 2, 3, 4, 5, 6, 7, 8} - {0}
    gaps = [b - a for a, b in zip([0, *sorted(pauses)], [*sorted(pauses), 10], strict=True)]
    assert max(gaps) < 2
