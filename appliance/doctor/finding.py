"""What a look found: how bad it is, what to do about it and, where that is safe, a mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that a look found.

    Attributes:
        check: The look's name, as in the table of `zoe doctor`.
        level: How bad it is.
        what: What is so, in one line.
        remedy: What to do about it; empty when all is well.
        mend: Does what is safe to do, and returns what it did; None where that is the operator's.
            It raises OSError when it cannot.
    """

    check: str
    level: Level
    what: str
    remedy: str = ""
    mend: Callable[[], str] | None = None

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to do."""
        return self.level is Level.OK

    def to_json(self) -> dict[str, Any]:
        """Return the finding for machines."""
        return {
            "check": self.check,
            "level": self.level.value,
            "what": self.what,
            "remedy": self.remedy,
            "fixable": self.mend is not None,
        }


def well(check: str, what: str) -> Finding:
    """Return that all is well."""
    return Finding(check, Level.OK, what)


def warning(check: str, what: str, remedy: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return something that works now and will not for ever, or not as well as it could."""
    return Finding(check, Level.WARNING, what, remedy, mend)


def problem(check: str, what: str, remedy: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return something that does not work."""
    return Finding(check, Level.PROBLEM, what, remedy, mend)
