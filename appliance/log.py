"""Lines of our own for the log stream, in the form of Prefect's, which make up most of it."""

from __future__ import annotations

import sys
from datetime import datetime, timezone


def stamped(level: str, message: str) -> str:
    """Return a line with time (UTC) and level."""
    # A template of another environment may have Python 3.10, which has no `datetime.UTC`.
    now = datetime.now(timezone.utc)  # noqa: UP017
    return f"{now:%H:%M:%S}.{now.microsecond // 1000:03d} | {level:<7} | {message}"


def say(message: str, level: str = "INFO") -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(stamped(level, message) + "\n")
    sys.stdout.flush()
