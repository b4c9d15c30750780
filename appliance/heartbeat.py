"""How a program without a port shows that it is alive and not merely there.

The file holds a reading of the monotonic clock, which all processes of a kernel share and which
no change of the wall clock touches. (time(7): CLOCK_MONOTONIC.)
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from appliance.files import write_atomically


def beat(path: Path) -> None:
    """Note that this process is alive now."""
    write_atomically(path, f"{os.getpid()} {time.monotonic():.3f}")


def age(path: Path, pid: int) -> float | None:
    """Return the seconds since `pid` last beat; None when it has not beaten yet."""
    try:
        beaten_by, _, moment = path.read_text(encoding="ascii").partition(" ")
    except FileNotFoundError:
        return None
    return time.monotonic() - float(moment) if beaten_by == str(pid) else None
