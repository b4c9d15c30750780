"""What may come between: before the nth change that a function makes to the file system."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "open"}


def killed_before_change(number: int, function: Callable[[], object]) -> bool:
    """Run a function in a fork that kills itself before its nth change of the file system.

    Returns:
        Whether it was killed; False when it came to its end.
    """

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    code, _ = disturbed_before_change(number, function, kill)
    assert code in {0, -signal.SIGKILL}
    return code != 0


def disturbed_before_change(
    number: int, function: Callable[[], object], disturb: Callable[[], object]
) -> tuple[int, bool]:
    """Run a function in a fork, and something else before its nth change of the file system.

    Args:
        number: From 0 on.
        function: It may do all that a process may, leave by an exception as well.
        disturb: Is called once; an exception of its own is the change's failure.

    Returns:
        How the fork ended: 0 when the function returned, 1 when it raised, the negative number of a
        signal; and whether it was disturbed at all.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        changes = itertools.count()

        def audit(event: str, arguments: tuple[object, ...]) -> None:
            writes = event != "open" or (
                isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
            )
            if event in CHANGES and writes and next(changes) == number:
                os.write(write_end, b"x")
                disturb()

        sys.addaudithook(audit)
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as told:
        disturbed = bool(told.read())
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), disturbed
