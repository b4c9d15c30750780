"""Where archives go: what a target can do, and the one that is a directory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.backup import names
from appliance.backup.names import ArchiveName
from appliance.backup.seal import Readable
from appliance.errors import WorldError
from appliance.files import PRIVATE_DIR_MODE


@dataclass(frozen=True)
class Stored:
    """An archive that is there.

    Attributes:
        name: What it is called.
        size: In bytes.
    """

    name: ArchiveName
    size: int


class Target(Protocol):
    """A place for archives. Everything in it that is not named like one is left alone.

    Every method raises WorldError, in one line, when the place does not do its part.
    """

    def __str__(self) -> str:
        """Return the place as the operator names it."""

    @property
    def staging(self) -> Path:
        """The local directory beside which archives are best made ready; made when missing."""

    def put(self, archive: Path) -> None:
        """Take a finished archive under its own name, whole or not at all; it is gone here."""

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open an archive for reading from its beginning."""

    def stored(self) -> list[Stored]:
        """Return the archives, oldest first."""

    def delete(self, name: str) -> None:
        """Remove an archive; one that is not there is removed already."""


class DirectoryTarget:
    """A directory, best on another disk."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __str__(self) -> str:
        return str(self._directory)

    @property
    def staging(self) -> Path:
        """The directory itself, so that an archive needs no copy to get there."""
        with self._in_words():
            self._directory.mkdir(mode=PRIVATE_DIR_MODE, parents=True, exist_ok=True)
        return self._directory

    def put(self, archive: Path) -> None:
        """Give the archive its place, and let the disk know."""
        with self._in_words():
            archive.rename(self._directory / archive.name)
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        """Open an archive for reading from its beginning."""
        with self._in_words(), (self._directory / name).open("rb") as file:
            yield file

    def stored(self) -> list[Stored]:
        """Return the archives, oldest first; none where the directory is not there yet."""
        found = []
        with self._in_words():
            if not self._directory.exists():
                return []
            for path in self._directory.iterdir():
                name = names.parse(path.name)
                if name and path.is_file():
                    found.append(Stored(name, path.stat().st_size))
        return sorted(found, key=lambda stored: stored.name)

    def delete(self, name: str) -> None:
        """Remove an archive; one that is not there is removed already."""
        with self._in_words():
            (self._directory / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self._directory
            raise WorldError(
                f"the backup target cannot be used: {place}: {error.strerror}",
                where="ZOE_BACKUP_TARGET",
                remedy=f"let uid {os.getuid()} use it and give it space, or name another",
            ) from error
