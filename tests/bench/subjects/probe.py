"""Looks at a container from inside: CPU time of its cgroup, and its processes.

Standard library only; runs as `python -I -S - [memory] < probe.py` and prints JSON. The cgroup is
read last but for printing, so that a second look counts the least of itself.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
NANOSECONDS = 1_000_000_000
MICROSECONDS = 1_000_000


def cpu_seconds() -> float:
    """Return the CPU time that the container has used; cgroup v2, or v1."""
    try:
        for line in Path("/sys/fs/cgroup/cpu.stat").read_text(encoding="ascii").splitlines():
            name, value = line.split()
            if name == "usage_usec":
                return int(value) / MICROSECONDS
    except OSError:
        pass
    usage = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage").read_text(encoding="ascii")
    return int(usage) / NANOSECONDS


def process(directory: Path, *, memory: bool) -> dict[str, Any] | None:
    """Return what there is to know of a process; None when it has ended."""
    try:
        stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
        words = (directory / "cmdline").read_bytes().decode(errors="replace").split("\0")
        proportional = pss(directory) if memory else 0
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything; the state and all numbers come after it.
    fields = stat.rpartition(")")[2].split()
    return {
        "pid": int(stat.split()[0]),
        "parent": int(fields[1]),
        "own": (int(fields[11]) + int(fields[12])) / TICKS,
        "children": (int(fields[13]) + int(fields[14])) / TICKS,
        "pss": proportional,
        "words": words[:-1],
    }


def pss(directory: Path) -> int:
    """Return a process' proportional share of memory in bytes."""
    for line in (directory / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def main(words: list[str]) -> None:
    """Print what is seen."""
    found = [
        process(directory, memory="memory" in words)
        for directory in Path("/proc").iterdir()
        if directory.name.isdigit() and int(directory.name) != os.getpid()
    ]
    seen = {"processes": [each for each in found if each], "cpu": cpu_seconds()}
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1:])
