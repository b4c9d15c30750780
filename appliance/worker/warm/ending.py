"""How a child ends: as Python does, but for the taking apart of a thousand modules."""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import os
import socket
import sys
from contextlib import suppress

from appliance.worker.warm import protocol

# Python's own, for output that could not be flushed at the end. (`sys.exit`)
NOT_FLUSHED = 120


class Ending:
    """Ends the process after all exit handlers have run.

    Make it before anything else is imported: exit handlers run in reverse order, and this one
    must be the last. By then Python has printed what there is to print and joined all threads;
    what is left of its end would cost a tenth of a second, and undo the sharing of memory.
    """

    def __init__(self) -> None:
        self._owner: int | None = None
        self._connection: socket.socket | None = None
        self._code: int | None = None
        atexit.register(self._finish)

    def belongs_to(self, connection: socket.socket) -> None:
        """Take note that this process is a child, with this connection to its launcher."""
        self._owner = os.getpid()
        self._connection = connection
        # The flow's own forks are not the launcher's business.
        os.register_at_fork(after_in_child=connection.close)

    def note(self, end: BaseException | None) -> None:
        """Take note of what has ended the flow run; None when it came to its end."""
        if isinstance(end, SystemExit):
            self._code = _exit_code(end.code)
        elif not isinstance(end, KeyboardInterrupt):
            # Python ends by a signal of its own after an interrupt.
            self._code = 0 if end is None else 1

    def _finish(self) -> None:
        if self._code is None or self._connection is None or self._owner != os.getpid():
            return
        code = self._code
        try:
            _flush()
        except OSError:
            code = NOT_FLUSHED
        # Of use only to a launcher whose template has died.
        with suppress(OSError):
            self._connection.sendall(protocol.answer(protocol.LEAVING, code))
        os._exit(code)


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def _flush() -> None:
    # What the flow run has opened and not closed; what the template had is frozen and not in it.
    for found in gc.get_objects():
        if isinstance(found, io.BufferedWriter | io.TextIOWrapper) and not found.closed:
            with suppress(OSError, ValueError):
                found.flush()
    # The buffers of libraries that are written in C.
    ctypes.pythonapi.fflush(None)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
