"""Child processes that do not outlive us, however we die."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

# prctl(2); <linux/prctl.h>
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def popen(
    command: Sequence[str], *, number: signal.Signals = signal.SIGKILL, **arguments: Any
) -> subprocess.Popen[bytes]:
    """Start a process that the kernel sends a signal when the thread that started it is gone.

    Args:
        command: Its words.
        number: The signal.
        arguments: For `subprocess.Popen`.
    """
    parent = os.getpid()

    def tie() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(number))
        # Our parent may have died before the kernel knew whom to watch.
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return subprocess.Popen(command, preexec_fn=tie, **arguments)  # noqa: PLW1509 - two system calls, no lock
