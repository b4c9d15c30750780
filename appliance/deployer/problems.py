"""What the deployer could not do, told by file, line and cause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a project; the rest of the project goes on.

    Attributes:
        file: The file, or the project, as the settings call it.
        line: Counted from 1; 0 where no line is to blame.
        cause: What is wrong and, where that is known, what would be right.
        kind: The kind of object that it keeps from being as declared, where it is a single one.
        name: The name of that object.
    """

    file: str
    line: int
    cause: str
    kind: str = ""
    name: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.cause}"
