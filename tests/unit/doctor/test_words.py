from __future__ import annotations

import pytest

from appliance.doctor.words import duration, size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3.4, "3 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (86400 * 2, "2 days")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (2048, "2 KiB"), (5 * 1024**2, "5 MiB"), (3 * 2**40, "3072.0 GiB")],
)
def test_sizes(number: int, said: str) -> None:
    assert size(number) == said
