"""A fork whose child takes signals as the program will that it becomes.

Until then a child of supervisord has supervisord's own handlers. A stop that comes before it has
become its program would be taken by those and forgotten, and the program would go on until it is
killed at the end of its stop time. (Seen with Supervisor 4.3 on a slow disk.)
"""

from __future__ import annotations

import os
import signal

# All that supervisord handles, but for SIGCHLD, which by default does nothing.
HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGUSR2,
)


def fork() -> int:
    """Fork as `os.fork` does; signals wait until the child has let go of its parent's handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            for number in HANDLED:
                signal.signal(number, signal.SIG_DFL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid
