"""What a process left behind that was killed in the middle of its work.

Scratch files have names of their own; directories in which a backup or a restore was being worked
on are held by a lock while somebody is at it, and may be as large as the database.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from appliance import exchange
from appliance.backup import staging
from appliance.backup.scratch import PREFIX, remove_leftovers
from appliance.doctor.finding import Finding, warning, well
from appliance.doctor.patient import Patient
from appliance.doctor.words import DAY, duration, size

CHECK = "leftovers"
# Whatever is being written now is younger.
OLD_SECONDS = DAY
# `appliance.files`, `appliance.database.templates`: a dot, the final name, and eight characters of
# Python's tempfile.
# Those hold a lock while they are in use.
LOCKED = (PREFIX, staging.RESTORE, staging.DRILL)
SCRATCH = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")


def look(patient: Patient) -> Iterator[Finding]:
    """Look into every directory in which Zoe writes by a scratch name."""
    layout = patient.layout
    directories = (
        layout.data,
        layout.secrets_dir,
        layout.sqlite_file.parent,
        layout.ledger,
        layout.ledger.parent,
        layout.maintenance,
    )
    found = [path for directory in directories for path in scratch(directory, patient.now)]
    for path in found:
        yield warning(
            CHECK,
            f"{path} ({size(_bytes(path))}) was left {duration(OLD_SECONDS)} ago or earlier by a "
            "process that was killed",
            "zoe doctor --fix removes it",
            partial(_remove, path),
        )
    forgotten = [
        (path, prefix)
        for directory in {layout.data, _backups(patient)}
        for prefix in LOCKED
        if not _is_wanted(patient, prefix)
        for path in unheld(directory, prefix)
    ]
    for path, prefix in forgotten:
        yield warning(
            CHECK,
            f"{path} ({size(_bytes(path))}) is of a backup, restore or drill that was killed",
            "zoe doctor --fix removes it",
            partial(_forget, patient, path.parent, prefix),
        )
    if not found and not forgotten:
        yield well(CHECK, "nothing was left half written")


def scratch(directory: Path, now: float) -> list[Path]:
    """Return what lies under a scratch name in a directory for more than a day."""
    if not directory.is_dir():
        return []
    return sorted(
        path
        for path in directory.iterdir()
        if SCRATCH.fullmatch(path.name) and now - path.lstat().st_mtime > OLD_SECONDS
    )


def unheld(directory: Path, prefix: str) -> list[Path]:
    """Return the directories of a kind that nobody works in: nobody holds their lock."""
    found = []
    for path in sorted(directory.glob(f"{prefix}*")):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
        found.append(path)
    return found


def _is_wanted(patient: Patient, prefix: str) -> bool:
    """Tell whether a killed restore's directory holds what the next start puts in place."""
    return prefix == staging.RESTORE and exchange.is_pending(patient.layout)


def _forget(patient: Patient, directory: Path, prefix: str) -> str:
    if _is_wanted(patient, prefix):
        return f"left {directory / prefix}*, which a restore needs that has been killed since"
    remove_leftovers(directory, prefix)
    return f"removed what nobody holds of {directory / prefix}*"


def _backups(patient: Patient) -> Path:
    target = patient.settings.backup_target
    is_elsewhere = target and not target.startswith("s3://")
    return Path(target) if target and is_elsewhere else patient.layout.backups


def _remove(path: Path) -> str:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return f"removed {path}"


def _bytes(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(below.lstat().st_size for below in path.rglob("*") if below.is_file())
