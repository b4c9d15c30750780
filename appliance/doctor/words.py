"""Durations and sizes as a person says them."""

from __future__ import annotations

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KIB = 1024


def duration(seconds: float) -> str:
    """Return seconds in the unit that fits, such as `5 min`; two of a unit at the least."""
    for unit, length in (("days", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(number: float) -> str:
    """Return bytes in the unit that fits, such as `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if number < KIB:
            return f"{number:.0f} {unit}"
        number /= KIB
    return f"{number:.1f} GiB"
