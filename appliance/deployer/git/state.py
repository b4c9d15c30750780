"""Which commits of a repository are in use: what was fetched, what is live, what goes when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.errors import WorldError
from appliance.files import read_json, write_atomically


@dataclass(frozen=True)
class State:
    """What is remembered, on disk, for whoever makes the next pass.

    Attributes:
        head: The commit that was fetched last; empty before the first.
        live: The commit that deployments start in, by the project's directory in the repository.
        leaving: Of a commit that is no longer used, the flow runs that may be at work in it.
    """

    head: str = ""
    live: Mapping[str, str] = field(default_factory=dict)
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> State:
        """Return what was written; nothing where there is no such file."""
        found: dict[str, Any] = read_json(path) or {}
        return cls(
            head=str(found.get("head", "")),
            live=dict(found.get("live", {})),
            leaving={commit: tuple(runs) for commit, runs in found.get("leaving", {}).items()},
        )

    def write(self, path: Path) -> None:
        """Write it, to survive a power cut.

        Raises:
            WorldError: The disk does not take it.
        """
        content = {"head": self.head, "live": self.live, "leaving": self.leaving}
        try:
            write_atomically(path, json.dumps(content, indent=2, sort_keys=True), durable=True)
        except OSError as error:
            raise WorldError(f"{path} cannot be written: {error.strerror}") from None

    def with_live(self, subdirectory: str, commit: str) -> State:
        """Return the state in which a project's deployments start in a commit."""
        return replace(self, live={**self.live, subdirectory: commit})

    def unused(self, checkouts: Iterable[str], projects: Iterable[str]) -> list[str]:
        """Return the checkouts that no run starts in any more.

        Args:
            checkouts: The commits that are there.
            projects: The directories in the repository that are projects now.
        """
        used = {self.head, *(self.live.get(project, "") for project in projects)}
        return sorted(set(checkouts) - used)
