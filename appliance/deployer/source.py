"""Where projects come from: what is on offer of each, and what is live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.api import Api
from appliance.deployer.problems import Problem
from appliance.deployer.project import Project


@dataclass(frozen=True)
class Offer:
    """A project as it is now, and as deployments start in it.

    Attributes:
        name: What the settings call it.
        newest: As it is now; None where that cannot be had.
        live: As it was accepted last; None where it never was.
        problems: Why it cannot be had.
    """

    name: str
    newest: Project | None
    live: Project | None
    problems: tuple[Problem, ...] = ()


class Source(Protocol):
    """Where one project comes from, or several."""

    def offers(self) -> list[Offer]:
        """Return what there is. It never raises: what cannot be had is a problem."""

    def accept(self, project: Project) -> None:
        """Take note that deployments are about to start in one of those on offer.

        Raises:
            WorldError: The disk does not take it.
        """

    def tidy(self, api: Api) -> None:
        """Remove what no deployment and no run needs any more, once deployments are as declared.

        Raises:
            WorldError: The server is away.
        """


class DirectorySource:
    """A directory of this machine. Runs start in it as it is, and whoever changes it sees to that.

    Args:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self._project = Project(root)

    def offers(self) -> list[Offer]:
        """Return the directory as it is."""
        return [Offer(self._project.name, self._project, self._project)]

    def accept(self, project: Project) -> None:
        """Do nothing: what is there is live."""

    def tidy(self, api: Api) -> None:
        """Remove nothing: it is its owner's."""
