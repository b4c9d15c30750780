"""What the deployer could not do, told by file, line and cause."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a project; the rest of the project goes on.

    Attributes:
        file: The file, or the project's directory.
        line: Counted from 1; 0 where no line is to blame.
        cause: What is wrong and, where that is known, what would be right.
    """

    file: Path
    line: int
    cause: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.cause}"
