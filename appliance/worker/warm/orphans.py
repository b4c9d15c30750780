"""Ties between the processes of a flow run that only the kernel can make, by prctl(2)."""

from __future__ import annotations

import ctypes
import os

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9
_LIBC = ctypes.CDLL(None, use_errno=True)


def keep() -> None:
    """Become the parent of processes below us that lose theirs, so that they stay below us."""
    _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int) -> None:
    """Be killed by the kernel when our parent is gone, however that happens."""
    _LIBC.prctl(PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    # It may have gone before the kernel knew whom to watch.
    if os.getppid() != parent:
        os.kill(os.getpid(), _SIGKILL)
