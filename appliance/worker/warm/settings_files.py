"""The files from which Prefect takes settings besides the environment, as far as they have any.

Read when a process starts, from its current directory and from the active profile; a fork of one
that has started elsewhere, or before they were changed, has to look again. (Prefect 3.8.8,
`prefect.settings.sources`)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HERE = ("prefect.toml", "pyproject.toml", ".env")


def contents(environment: Mapping[str, str]) -> tuple[bytes | None, ...]:
    """Return what the files hold; None for one that is not there or does not name Prefect.

    Args:
        environment: What says where the profiles are.
    """
    return tuple(_content(Path(path)) for path in (*HERE, _profiles(environment)))


def _profiles(environment: Mapping[str, str]) -> str:
    home = environment.get("PREFECT_HOME") or os.path.expanduser("~/.prefect")  # noqa: PTH111 - may have no home
    return environment.get("PREFECT_PROFILES_PATH") or f"{home}/profiles.toml"


def _content(path: Path) -> bytes | None:
    try:
        found = path.read_bytes()
    except OSError:
        return None
    # Its own file names it nowhere.
    return found if path.name == HERE[0] or b"prefect" in found.lower() else None
