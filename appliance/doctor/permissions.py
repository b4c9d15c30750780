"""Who may read what is private: generated secrets, the database, backups."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.patient import Patient
from appliance.files import PRIVATE_DIR_MODE, PRIVATE_FILE_MODE

CHECK = "permissions"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def look(patient: Patient) -> Iterator[Finding]:
    """Look for files that others than their owner may open, and for files of another owner."""
    found = [finding for path in _private(patient) for finding in _judged(path, patient)]
    yield from found
    if not found:
        yield well(CHECK, "secrets, database and backups are their owner's alone")


def _private(patient: Patient) -> Iterator[Path]:
    layout = patient.layout
    for directory in (layout.secrets_dir, layout.sqlite_file.parent, layout.backups):
        if directory.is_dir():
            yield directory
            yield from sorted(path for path in directory.iterdir() if path.is_file())
    if layout.postgres_data.is_dir():
        yield layout.postgres_data


def _judged(path: Path, patient: Patient) -> Iterator[Finding]:
    try:
        status = path.stat()
    except FileNotFoundError:
        # SQLite's -wal and -shm come and go.
        return
    owner = _owner(patient)
    if status.st_uid != owner:
        yield problem(
            CHECK,
            f"{path} belongs to uid {status.st_uid}, and Zoe runs as uid {owner}",
            f"chown {owner} {path}",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & OTHERS:
        right = PRIVATE_DIR_MODE if path.is_dir() else PRIVATE_FILE_MODE
        yield problem(
            CHECK,
            f"{path} is open to others than its owner (mode {mode:04o})",
            f"chmod {right:o} {path}; what was open may have been read: think of a new password",
            _close(path, right) if status.st_uid == os.getuid() else None,
        )
    elif not mode & stat.S_IRUSR:
        yield problem(
            CHECK, f"{path} is closed to its owner (mode {mode:04o})", f"chmod u+r {path}"
        )


def _close(path: Path, mode: int) -> Callable[[], str]:
    return partial(_chmod, path, mode)


def _chmod(path: Path, mode: int) -> str:
    path.chmod(mode)
    return f"set the mode of {path} to {mode:04o}"


def _owner(patient: Patient) -> int:
    """Return who Zoe runs as: who wrote the stamp; ourselves where there is none."""
    stamp = patient.layout.stamp
    return stamp.stat().st_uid if stamp.exists() else os.getuid()
