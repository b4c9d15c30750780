"""Room on the disks of data and backups: bytes, and inodes where the file system counts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.doctor.finding import Finding, Level, well
from appliance.doctor.patient import Patient
from appliance.doctor.words import size

CHECK = "disk"
MIB = 1024**2
# Below it a database may find no room for its next commit.
PROBLEM_BYTES = 256 * MIB
WARNING_BYTES = 1024 * MIB
PROBLEM_INODES = 0.01
WARNING_INODES = 0.05
REMEDY = (
    "free some: older backups (zoe backup prune), results, or ZOE_RETENTION_RUNS; or enlarge it"
)


@dataclass(frozen=True)
class Room:
    """What a file system has left.

    Attributes:
        free: Bytes for a user without privileges.
        inodes: The share of inodes that are free; 1 where they are not counted.
    """

    free: int
    inodes: float


def look(patient: Patient) -> Iterator[Finding]:
    """Judge the data directory and, where that is a directory elsewhere, the backups' target."""
    needed = _database_bytes(patient)
    yield judge(f"the disk of {patient.layout.data}", room(patient.layout.data), needed)
    target = patient.settings.backup_target
    if target and not target.startswith("s3://"):
        place = Path(target)
        if not place.is_dir():
            yield Finding(
                CHECK,
                Level.PROBLEM,
                f"the directory of the backups, {place}, is not there",
                "mount it, or set ZOE_BACKUP_TARGET to another",
            )
        elif not os.access(place, os.W_OK | os.X_OK):
            yield Finding(
                CHECK,
                Level.PROBLEM,
                f"uid {os.getuid()} cannot write backups to {place}",
                f"let uid {os.getuid()} write there, or set ZOE_BACKUP_TARGET to another",
            )
        elif place.stat().st_dev != patient.layout.data.stat().st_dev:
            yield judge(f"the disk of the backups, {place},", room(place), needed)


def room(path: Path) -> Room:
    """Ask the file system of a path."""
    found = os.statvfs(path)
    inodes = found.f_favail / found.f_files if found.f_files else 1.0
    return Room(found.f_bavail * found.f_frsize, inodes)


def judge(disk: str, found: Room, needed: int) -> Finding:
    """Judge what a disk has left.

    Args:
        disk: Its name for the reader.
        found: What it has left.
        needed: Bytes that a copy of the database takes.
    """
    if found.free < PROBLEM_BYTES:
        return Finding(CHECK, Level.PROBLEM, f"{disk} has {size(found.free)} left", REMEDY)
    if found.inodes < PROBLEM_INODES:
        left = f"{disk} has {found.inodes:.1%} of its inodes left"
        return Finding(CHECK, Level.PROBLEM, left, REMEDY)
    if found.free < needed:
        return Finding(
            CHECK,
            Level.WARNING,
            f"{disk} has {size(found.free)} left; a copy of the database, for a backup, takes up "
            f"to {size(needed)}",
            REMEDY,
        )
    if found.free < WARNING_BYTES:
        return Finding(CHECK, Level.WARNING, f"{disk} has {size(found.free)} left", REMEDY)
    if found.inodes < WARNING_INODES:
        left = f"{disk} has {found.inodes:.1%} of its inodes left"
        return Finding(CHECK, Level.WARNING, left, REMEDY)
    return well(CHECK, f"{disk} has {size(found.free)} left")


def _database_bytes(patient: Patient) -> int:
    """Return what the database takes here; 0 where it is elsewhere or not made yet."""
    layout = patient.layout
    if layout.sqlite_file.is_file():
        return layout.sqlite_file.stat().st_size
    total = 0
    for directory, _, names in os.walk(layout.postgres_data):
        for name in names:
            # Postgres removes files while we look.
            path = Path(directory, name)
            total += path.stat().st_size if path.exists() else 0
    return total
