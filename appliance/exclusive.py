"""One Zoe at a time on one data directory, told by a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.errors import OperatorError
from appliance.layout import Layout


def lock(layout: Layout) -> None:
    """Take the directory for this process and for what it becomes by `exec`.

    The kernel lets go when the last process that holds the descriptor is gone, however it went;
    supervisord closes it in the programs that it starts. (flock(2).)

    Raises:
        OperatorError: Another Zoe has it.
    """
    os.set_inheritable(_take(layout), True)


@contextmanager
def holding(layout: Layout) -> Iterator[None]:
    """Take the directory for a moment.

    Raises:
        OperatorError: Another Zoe has it.
    """
    descriptor = _take(layout)
    try:
        yield
    finally:
        os.close(descriptor)


def _take(layout: Layout) -> int:
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OperatorError(
            f"another Zoe uses the data in {layout.data}",
            where=str(layout.lock),
            remedy="stop that one, or give this one a data directory or volume of its own",
        ) from None
    return descriptor
