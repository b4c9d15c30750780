from __future__ import annotations

import pytest

from appliance.worker.warm.limits import parse
from appliance.worker.warm.watch import BYTES_PER_SECOND, SECONDS, pause

GIGABYTE = 10**9


@pytest.mark.parametrize(
    ("text", "memory", "cpu", "elapsed", "seconds"),
    [
        # Nobody looks at a run that may only not go on for ever.
        ("time=900", 0, 0.0, 1.0, 899.0),
        ("time=900", 0, 0.0, 901.0, 0.0),
        # Two processors use two seconds a second.
        ("cpu=60", 0, 10.0, 0.0, 25.0),
        ("cpu=60", 0, 60.0, 0.0, SECONDS[0]),
        ("memory=4000000000", 0, 0.0, 0.0, 4 * GIGABYTE / BYTES_PER_SECOND),
        ("memory=4000000000", 4 * GIGABYTE, 0.0, 0.0, SECONDS[0]),
        ("memory=900000000000", 0, 0.0, 0.0, SECONDS[1]),
        ("memory=900000000000,time=900", 0, 0.0, 899.8, 0.2),
    ],
)
def test_the_next_look_is_when_a_limit_could_be_met(
    text: str, memory: int, cpu: float, elapsed: float, seconds: float
) -> None:
    found = pause(parse(text), memory, cpu, elapsed, processors=2)
    assert found == pytest.approx(seconds)
