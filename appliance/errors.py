"""The two ways in which Zoe refuses or fails, and how they look to a person."""

from __future__ import annotations

USAGE_EXIT_CODE = 2
FAILURE_EXIT_CODE = 1


class ZoeError(Exception):
    """Something that ends a command with one plain line instead of a traceback.

    Attributes:
        what: What is wrong, in words the reader knows.
        where: Where it was set or found; empty when `what` says it.
        remedy: What to do about it; empty when nothing can be advised.
    """

    exit_code = FAILURE_EXIT_CODE

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def line(self) -> str:
        """Return the one line that a person reads."""
        line = " ".join(self.what.split())
        if self.where:
            line += f" ({self.where})"
        if self.remedy:
            line += f"; {self.remedy}"
        return line

    def __str__(self) -> str:
        return self.line()


class OperatorError(ZoeError):
    """A mistake of whoever runs Zoe: exit code 2, and nothing was started or changed."""

    exit_code = USAGE_EXIT_CODE


class SeveralMistakesError(OperatorError):
    """Several mistakes found in one look, a line each, so that they can be mended in one go."""

    def __init__(self, errors: list[OperatorError]) -> None:
        super().__init__(errors[0].what, where=errors[0].where, remedy=errors[0].remedy)
        self.errors = errors

    def line(self) -> str:
        """Return one line for each mistake."""
        return "\n".join(error.line() for error in self.errors)


class WorldError(ZoeError):
    """The world (a disk, a network, a server) is not as it must be: exit code 1."""
