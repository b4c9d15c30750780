"""The names of all time zones, read from the disk once.

`zoneinfo.available_timezones` looks through the whole time zone database. Prefect asks it for each
schedule that it reads, also for those in its own answers, several times a request (3.8.8,
`prefect._internal.schemas.validators.default_timezone`): 24 ms each time, 65 ms where the image
lies on a fuse file system.
"""

from __future__ import annotations

import functools
import zoneinfo


def remember() -> None:
    """Let this process read them once. Only who imports Prefect afterwards has it from us."""
    zoneinfo.available_timezones = _known


_read = zoneinfo.available_timezones


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(_read())


def _known() -> set[str]:
    # A copy, as whoever asks has always got one.
    return set(_names())
