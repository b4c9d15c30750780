"""What a flow run uses, with all the processes that it has started, as proc(5) tells it.

Imported by the launcher, so it imports nothing that an interpreter has not imported at its start.
What vanishes while it is looked at uses nothing.
"""

from __future__ import annotations

import os

_SIGKILL = 9
_SIGSTOP = 19
_KIB = 1024
_TICKS = os.sysconf("SC_CLK_TCK")
# The most that a run can hold, and what it does hold: pages that several processes share, as a fork
# shares its template's, count in parts. Not what is mapped from files: the kernel drops that when
# it needs the memory.
_AT_MOST = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
_SHARED_FAIRLY = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")
# A run that makes processes as fast as it is stopped; each round stops a generation of them.
_ROUNDS = 100


def tree(root: int) -> list[int]:
    """Return a process and all below it, parents before children."""
    found = [root]
    for pid in found:
        found += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    tasks = f"/proc/{pid}/task"
    try:
        threads = os.listdir(tasks)  # noqa: PTH208 - `pathlib` takes its time
    except OSError:
        return []
    return [int(child) for tid in threads for child in _read(f"{tasks}/{tid}/children").split()]


def memory_at_most(pids: list[int]) -> int:
    """Return a number of bytes that is not less than what processes hold; it costs little."""
    return sum(_sum(_read(f"/proc/{pid}/status"), _AT_MOST) for pid in pids)


def memory(pids: list[int]) -> int:
    """Return the bytes that processes hold, each page once; it takes time for each page."""
    found = 0
    for pid in pids:
        rollup = _read(f"/proc/{pid}/smaps_rollup")
        # Of a process that has changed its user nobody may read it.
        found += _sum(rollup, _SHARED_FAIRLY) if rollup else memory_at_most([pid])
    return found


def cpu(pids: list[int]) -> float:
    """Return the seconds of CPU time of processes, and of their children that are no more."""
    ticks = 0
    for pid in pids:
        # The name in parentheses may hold anything.
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def kill(root: int) -> None:
    """Kill a process and all below it.

    They are stopped first, so that none can make another, or leave its children to somebody else,
    while we look.
    """
    stopped = [root]
    _send(root, _SIGSTOP)
    for _ in range(_ROUNDS):
        running = [pid for pid in tree(root) if pid not in stopped]
        if not running:
            break
        for pid in running:
            _send(pid, _SIGSTOP)
        stopped += running
    # The root last: as long as it is there, its numbers are nobody else's.
    for pid in reversed(stopped):
        _send(pid, _SIGKILL)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return  # gone, or another user's


def _sum(content: bytes, names: tuple[bytes, ...]) -> int:
    """Return the sum of some of the numbers that /proc gives in kB, in bytes."""
    return sum(
        int(line.split()[1]) * _KIB for line in content.splitlines() if line.startswith(names)
    )


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        # More than any of these files has, but for the children of a run with thousands.
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
