"""Zoe's own packages, which every environment has, in these versions and no others."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path

from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Own:
    """What is installed beside us.

    Attributes:
        versions: By canonical names (PEP 503).
        records: The directories `NAME-VERSION.dist-info`.
        directories: Where the packages themselves are.
        python: Which Python all of it is for.
    """

    versions: Mapping[str, str]
    records: tuple[Path, ...]
    directories: tuple[Path, ...]
    python: str

    def facts(self) -> list[object]:
        """Return all that an environment on top of it depends on, for a digest."""
        return [sorted(self.versions.items()), list(map(str, self.directories)), self.python]


@cache
def installed() -> Own:
    """Return what is installed in the environment of this process."""
    directories = tuple(
        dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
    )
    records = tuple(
        sorted(
            path
            for directory in directories
            for path in directory.glob("*.dist-info")
            if (path / "METADATA").is_file()
        )
    )
    versions: dict[str, str] = {}
    for path in records:
        found = Distribution.at(path)
        versions[canonicalize_name(found.metadata["Name"])] = found.version
    return Own(
        versions,
        records,
        directories,
        f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}",
    )
