"""Which hosts a bundle is for: their Python, their processor, their C library."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.markers import Marker, default_environment

from appliance.errors import OperatorError

PYTHONS = ((3, 11), (3, 12), (3, 13))
# As `platform.machine()` tells them, and as wheels are named.
MACHINES = ("x86_64", "aarch64")
# That of the oldest supported system, the RHEL 9 family; a wheel for it runs on all others.
GLIBC = (2, 34)
# Before wheels were named by their C library's version. (PEP 600)
LEGACY_PLATFORMS = ("manylinux2014", "manylinux2010", "manylinux1", "linux")
OLDEST_GLIBC_MINOR = 5
# Between a minor version's first and last release a lock may want another package.
NO_SUCH_PATCH = 99
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True)
class Target:
    """The hosts that a bundle is for.

    Attributes:
        python: Major and minor version.
        machine: One of `MACHINES`.
    """

    python: tuple[int, int]
    machine: str

    @property
    def tag(self) -> str:
        """A short name, such as `cp313-x86_64`."""
        return f"cp{self.python[0]}{self.python[1]}-{self.machine}"

    @property
    def python_version(self) -> str:
        """The version as people write it, such as `3.13`."""
        return f"{self.python[0]}.{self.python[1]}"

    def platforms(self) -> list[str]:
        """Return the platforms of wheels that run there, the most particular first."""
        by_glibc = [
            f"manylinux_{GLIBC[0]}_{minor}" for minor in range(GLIBC[1], OLDEST_GLIBC_MINOR - 1, -1)
        ]
        return [f"{name}_{self.machine}" for name in (*by_glibc, *LEGACY_PLATFORMS)]

    def wants(self, marker: str) -> bool:
        """Tell whether an entry of a lock with this marker is for some release of this Python."""
        return any(
            Marker(marker).evaluate(self._environment(patch)) for patch in (0, NO_SUCH_PATCH)
        )

    def _environment(self, patch: int) -> dict[str, str]:
        return {
            **{name: str(value) for name, value in default_environment().items()},
            "implementation_name": "cpython",
            "implementation_version": f"{self.python_version}.{patch}",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python_version}.{patch}",
            "python_version": self.python_version,
            "sys_platform": "linux",
        }


def target(python: str, machine: str) -> Target:
    """Return the target that two words name.

    Raises:
        OperatorError: There is no such target.
    """
    parts = _VERSION.fullmatch(python)
    version = (int(parts[1]), int(parts[2])) if parts else None
    if version not in PYTHONS:
        known = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        raise OperatorError(
            f"Zoe does not run with Python {python}",
            where="--python",
            remedy=f"give one of {known}",
        )
    if machine not in MACHINES:
        raise OperatorError(
            f"Zoe's dependencies are not built for {machine}",
            where="--machine",
            remedy=f"give one of {', '.join(MACHINES)}",
        )
    return Target(version, machine)
