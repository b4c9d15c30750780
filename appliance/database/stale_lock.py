"""The lock that a killed Postgres leaves in its data directory, and what may be done about it.

Postgres believes in the lock while any process of our user has the number that stands in it. In a
container numbers come again after each start: the killed server's is soon another program's, and
Postgres refuses to start for as long as that lives. (PostgreSQL 17, `CreateLockFile` in
src/backend/utils/init/miscinit.c.)
"""

from __future__ import annotations

from pathlib import Path

LOCK = "postmaster.pid"


def remove(data: Path) -> bool:
    """Remove the lock if no server of this cluster holds it; tell whether there was such a lock.

    Args:
        data: The cluster's directory.
    """
    lock = data / LOCK
    try:
        number = lock.read_text(encoding="ascii", errors="replace").partition("\n")[0]
    except FileNotFoundError:
        return False
    if number.isdecimal() and _serves(int(number), data):
        return False
    lock.unlink(missing_ok=True)
    return True


def _serves(pid: int, data: Path) -> bool:
    """Tell whether a process works in the cluster's directory, as a server always does."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        # There is none, or it is another user's, whom Postgres lets nowhere near.
        return False
