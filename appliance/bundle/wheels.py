"""The wheels of a bundle: those that the hashed locks name for its target, and Zoe's own."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from appliance.bundle.target import Target
from appliance.errors import WorldError
from appliance.image import context, lock

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][^\s;\\]*) *(?:; *([^\\\n]*?))? *(\\?)$", re.MULTILINE)
LAST_LINES = 3
BUILD_BACKEND = "setuptools"


def wanted(requirements: str, target: Target) -> str:
    """Return a lock's entries for a target, without their markers.

    pip would judge markers by the Python that it runs with. (pip's issue 11664)
    """
    names = [
        name for name, marker, _ in _REQUIREMENT.findall(requirements) if _is_for(target, marker)
    ]
    return "".join(
        _REQUIREMENT.sub(r"\1 \3", lock.entry(requirements, name.partition("==")[0]))
        for name in names
    )


def _is_for(target: Target, marker: str) -> bool:
    return not marker or target.wants(marker)


def download(requirements: str, target: Target, directory: Path) -> None:
    """Fetch the wheels of a lock for a target from the index that pip here knows.

    Args:
        requirements: The lock; every entry has hashes.
        target: For which hosts.
        directory: Where the wheels go.

    Raises:
        WorldError: pip could not get one of them.
    """
    chosen = directory.parent / f"{directory.name}.txt"
    chosen.write_text(wanted(requirements, target), encoding="utf-8")
    platforms = [word for name in target.platforms() for word in ("--platform", name)]
    _pip(
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={target.python_version}",
        *platforms,
        f"--dest={directory}",
        f"--requirement={chosen}",
    )


def build(source: Path, development_lock: str, directory: Path) -> Path:
    """Build Zoe's own wheel with the pinned build backend; return its path.

    Args:
        source: The staged source tree.
        development_lock: The lock that pins the backend.
        directory: Where the wheel goes.

    Raises:
        WorldError: pip could not do it.
    """
    tools = directory.parent / "tools"
    pinned = directory.parent / "tools.txt"
    pinned.write_text(lock.entry(development_lock, BUILD_BACKEND), encoding="utf-8")
    _pip(
        "download", "--no-deps", "--require-hashes", "--only-binary=:all:",
        f"--dest={tools}", f"--requirement={pinned}",
    )  # fmt: skip
    before = set(directory.glob("*.whl"))
    _pip(
        "wheel", "--no-deps", "--no-index", f"--find-links={tools}",
        f"--wheel-dir={directory}", str(source),
        environment={"SOURCE_DATE_EPOCH": str(context.TIMESTAMP)},
    )  # fmt: skip
    (made,) = set(directory.glob("*.whl")) - before
    return made


def pin(wheel: Path) -> str:
    """Return a lock's entry for a wheel."""
    name, version, *_ = wheel.name.split("-")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{lock.normalized(name)}=={version} \\\n    --hash=sha256:{digest}\n"


def _pip(*words: str, environment: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "pip", words[0], "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, *words[1:]],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise WorldError(
            f"pip {words[0]} failed: {' '.join(said[-LAST_LINES:]) or 'it gave no reason'}",
            where=sys.executable,
            remedy="give this Python a pip that reaches the package index",
        )
