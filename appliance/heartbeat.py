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
    """Note that this process is alive now.

    A beat is written over the one before, byte for byte, so that a full disk stops no heart.
    """
    line = f"{os.getpid():>10} {time.monotonic():>20.3f}"
    try:
        with path.open("r+b") as file:
            file.write(line.encode())
    except FileNotFoundError:
        write_atomically(path, line)


def age(path: Path, pid: int) -> float | None:
    """Return the seconds since `pid` last beat; None when it has not beaten yet."""
    try:
        beaten_by, moment = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    return time.monotonic() - float(moment) if beaten_by == str(pid) else None
