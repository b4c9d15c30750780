from __future__ import annotations

import pytest

from appliance.worker.warm.limits import parse
from appliance.worker.warm.watch import BYTES_PER_SECOND, SECONDS, Memory, pause

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


def test_the_costly_look_is_taken_when_it_could_matter_and_once_a_second() -> None:
    looked: list[list[int]] = []
    held = 0

    def exact(pids: list[int]) -> int:
        looked.append(pids)
        return held

    memory = Memory(exact)
    # Even if all of it were the run's own.
    assert memory.held([1], 500, 500, now=0.0) == 500
    assert looked == []
    held = 420
    assert memory.held([1], 501, 500, now=0.0) == 420
    # 81 are shared, and nothing has changed that.
    assert memory.held([1], 561, 500, now=0.5) == 480
    assert looked == [[1]]
    held = 505
    assert memory.held([1], 586, 500, now=0.6) == 505
    held = 490
    for pids, now in (([1], 0.7), ([1, 2], 0.8), ([1, 2], 5.0)):
        memory.held(pids, 586, 500, now)
    # It was above; there is another process; a second has passed.
    assert looked == [[1], [1], [1], [1, 2], [1, 2]]
