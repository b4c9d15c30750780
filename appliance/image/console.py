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


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce `what`, and say afterwards how long it took; a failure speaks for itself."""
    say(f"{what} ...")
    began = time.monotonic()
    yield
    say(f"  done in {seconds(time.monotonic() - began)}")


def seconds(duration: float) -> str:
    """Return a duration as a person says it: `0.4 s`, `12 s`, `3 min 5 s`."""
    if duration < 10:  # noqa: PLR2004 - below ten seconds a tenth matters to the eye
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def megabytes(size: int) -> str:
    """Return a size in the unit that `docker images` uses (a megabyte is a million bytes)."""
    return f"{size / 1_000_000:.0f} MB"
