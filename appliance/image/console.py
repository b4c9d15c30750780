"""Progress and errors for a person at a terminal, in short lines."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def say(line: str) -> None:
    """Write one line of progress, at once, so that a pipe sees it when it happens."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write what went wrong to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Step:
    """One line about something that takes a while: `what ... 12 s`, written as it happens."""

    def __init__(self, what: str) -> None:
        self._began = time.monotonic()
        sys.stdout.write(f"{what} ... ")
        sys.stdout.flush()

    def end(self, outcome: str = "") -> None:
        """Finish the line with how it went, if that is worth a word, and how long it took."""
        took = seconds(time.monotonic() - self._began)
        say(f"{outcome} ({took})" if outcome else took)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took or that it failed."""
    line = Step(what)
    try:
        yield
    except BaseException:
        line.end("failed")
        raise
    line.end()


def seconds(duration: float) -> str:
    """Return a duration as a person says it: `0.4 s`, `12 s`, `3 min 5 s`."""
    if duration < 10:  # noqa: PLR2004 - below ten seconds a tenth matters to the eye
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def megabytes(size: int) -> str:
    """Return a size in the unit that `docker images` uses (a megabyte is a million bytes)."""
    return f"{size / 1_000_000:.0f} MB"
