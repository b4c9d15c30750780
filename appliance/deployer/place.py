"""Where in a project something is declared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A line of a project's file.

    Attributes:
        project: What the settings call the project.
        file: The file, as a message calls it.
        line: Counted from 1.
    """

    project: str
    file: str
    line: int
