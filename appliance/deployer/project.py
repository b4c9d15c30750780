"""A project: a directory of flows, with the files that say what the server shall hold of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import WorldError

CATALOGUE_PATTERNS = ("deployments/*.yaml", "deployments/*.yml")
FINGERPRINTED_SUFFIXES = frozenset({".py", ".yaml", ".yml", ".json", ".toml", ".txt"})
SKIPPED_DIRECTORIES = frozenset({".git", "__pycache__", ".venv", "node_modules"})


@dataclass(frozen=True)
class Project:
    """A directory of flows with the deployments that it declares.

    Attributes:
        root: The directory in which its runs start.
        address: What the settings call it, where that is not the directory.
        commit: Which of the commits it is whose directories never change; empty for others.
    """

    root: Path
    address: str = ""
    commit: str = ""

    @property
    def name(self) -> str:
        """What the settings call it."""
        return self.address or str(self.root)

    def shown(self, path: Path) -> str:
        """Return how to call one of its files, the same for each commit."""
        return f"{self.address}: {path.relative_to(self.root)}" if self.address else str(path)

    @property
    def default_pull_steps(self) -> list[dict[str, object]]:
        """What a run does first where the file names no `pull`: go to the project, no git."""
        step = "prefect.deployments.steps.set_working_directory"
        return [{step: {"directory": str(self.root)}}]

    def catalogue_files(self) -> list[Path]:
        """Return the files that declare deployments, in a stable order.

        Raises:
            WorldError: The project's directory is not there or not readable.
        """
        if not os.access(self.root, os.R_OK | os.X_OK) or not self.root.is_dir():
            raise WorldError(
                f"the project {self.root} is not a directory that uid {os.getuid()} may read",
                where="ZOE_PROJECTS",
                remedy="mount it, or take it out of the list",
            )
        # One that is not readable has to be told, not passed over.
        return sorted(path for path in self._declaring() if not path.is_dir())

    def _declaring(self) -> Iterator[Path]:
        return (path for pattern in CATALOGUE_PATTERNS for path in self.root.glob(pattern))

    def fingerprint(self) -> str:
        """Return a digest that differs once a file that matters to a deployment has changed."""
        return self._digest(catalogue=True)

    def flows_fingerprint(self) -> str:
        """Return the same of the files that are there for flows alone."""
        return self._digest(catalogue=False)

    def _digest(self, *, catalogue: bool) -> str:
        if self.commit:
            return self.commit
        digest = hashlib.sha256()
        left_out = set() if catalogue else set(self._declaring())
        for path in sorted(set(_walk(self.root)) - left_out):
            if path.suffix in FINGERPRINTED_SUFFIXES:
                try:
                    status = path.stat()
                except OSError:
                    # Flows write and remove files here while we look.
                    continue
                digest.update(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
        return digest.hexdigest()


def _walk(directory: Path) -> Iterator[Path]:
    for parent, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if name not in SKIPPED_DIRECTORIES]
        yield from (Path(parent, name) for name in files)
