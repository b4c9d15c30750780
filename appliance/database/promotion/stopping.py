"""A promotion that ends cleanly when it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from appliance.errors import WorldError


class StoppedError(WorldError):
    """A signal came."""

    def __init__(self, name: str) -> None:
        super().__init__(f"stopped by {name}; SQLite is still in charge", remedy="promote again")


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Let SIGTERM and SIGINT end the body by an exception; PID 1 would not even notice one.

    While an event loop runs, the exception waits for a checkpoint: one that rose from anywhere in
    the loop would be swallowed by it, or leave the connection in the middle of a COPY for ever.
    Only the first signal counts: nothing shall disturb the clearing up.

    Yields:
        The checkpoint, to be called between two pieces of work.

    Raises:
        StoppedError: A signal came, in the body or at its checkpoints.
    """
    caught: list[str] = []

    def checkpoint() -> None:
        if caught:
            raise StoppedError(caught[0])

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if caught:
            return
        caught.append(signal.Signals(number).name)
        if not _loop_runs():
            checkpoint()

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield checkpoint
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
