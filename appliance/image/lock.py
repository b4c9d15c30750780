"""Reading the hashed locks."""

from __future__ import annotations

import re

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def normalized(name: str) -> str:
    """Return a distribution's name in the form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, str]:
    """Return the version of each distribution that a lock names, by normalized name."""
    return {normalized(name): version for name, version in _PIN.findall(lock)}


def entry(lock: str, name: str) -> str:
    """Return the lines of a lock that pin one distribution, hashes included.

    Raises:
        KeyError: The lock does not name it.
    """
    lines: list[str] = []
    for line in lock.splitlines():
        pin = _PIN.match(line)
        if pin:
            if lines:
                break
            if normalized(pin[1]) == normalized(name):
                lines.append(line)
        elif lines and line.strip().startswith("--hash="):
            lines.append(line)
    if not lines:
        raise KeyError(name)
    return "\n".join(lines) + "\n"


def is_pinned(file_name: str, pinned: dict[str, str]) -> bool:
    """Tell whether a wheel's or source archive's file name is of a pinned version."""
    stem = re.sub(r"\.(whl|tar\.gz|zip)$", "", file_name)
    if stem == file_name:
        return False
    if file_name.endswith(".whl"):
        name, version, *_ = [*stem.split("-"), ""]
    else:
        name, _, version = stem.rpartition("-")
    return pinned.get(normalized(name)) == version
