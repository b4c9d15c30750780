"""The process that flow runs are forked from: it has imported all they need, and run nothing.

It does no more than accept a connection, fork, and tell the launcher how the child has ended; the
child reads the request. So there is nothing here that a request could break or keep waiting.
"""

from __future__ import annotations

import array
import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from appliance.worker.warm import protocol


@dataclass(frozen=True)
class _Child:
    pid: int
    connection: socket.socket


class Template:
    """Forks a child for every connection.

    Args:
        listener: Where launchers connect. It belongs to the keeper, so that they can wait there
            while one template follows another.
        service: The end of a pipe whose other end is the keeper's. We close it when we accept no
            more; the keeper's end closes when the worker dies.
        is_stale: Tells whether what was imported is no longer what is installed.
        idle_seconds: How long to wait for the next connection, once no child is left; 0 for ever.
    """

    def __init__(
        self,
        listener: socket.socket,
        service: int,
        is_stale: Callable[[], bool],
        idle_seconds: float = 0,
    ) -> None:
        self._listener: socket.socket | None = listener
        self._service = service
        self._is_stale = is_stale
        self._patience = idle_seconds * 1000 or None
        self._children: dict[int, _Child] = {}
        self._poll = select.poll()
        # It may be shared with a template that is just going, which may be quicker.
        listener.setblocking(False)
        self._poll.register(listener, select.POLLIN)
        # Only its hanging up is of interest.
        self._poll.register(service, 0)

    def serve(self) -> socket.socket | None:
        """Serve until told to end, and until the last child has ended.

        Returns:
            None in the template, when all is done; in a child, its connection to the launcher.
        """
        while self._listener is not None or self._children:
            ready = self._poll.poll(self._patience)
            if not ready and not self._children:
                self._leave(protocol.UNUSED)
            for descriptor, _ in ready:
                if descriptor in self._children:
                    self._reap(descriptor)
                elif descriptor == self._service:
                    self._retire()
                elif self._is_stale():
                    self._leave(protocol.OUTDATED)
                elif self._listener is not None:
                    connection = self._accept(self._listener)
                    if connection is not None:
                        return connection
        return None

    def _accept(self, listener: socket.socket) -> socket.socket | None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return None  # gone already, or accepted by another template
        connection.setblocking(True)
        try:
            pid = os.fork()
        except OSError as error:
            reason = f"the template cannot fork: {error.strerror}"
            _tell(connection, protocol.answer(protocol.REFUSED, 0, reason))
            connection.close()
            return None
        if pid == 0:
            self._forget_everything()
            return connection
        try:
            watch = os.pidfd_open(pid)
        except OSError as error:
            # Not one that nobody could watch. It may have ended just now.
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            reason = f"the template cannot watch: {error.strerror}"
            _tell(connection, protocol.answer(protocol.REFUSED, 0, reason))
            connection.close()
            return None
        self._children[watch] = _Child(pid, connection)
        self._poll.register(watch, select.POLLIN)
        _tell(connection, protocol.answer(protocol.STARTED, pid), watch)
        return None

    def _reap(self, watch: int) -> None:
        child = self._children.pop(watch)
        _, status = os.waitpid(child.pid, 0)
        _tell(child.connection, protocol.answer(protocol.ENDED, status))
        child.connection.close()
        self._poll.unregister(watch)
        os.close(watch)

    def _leave(self, reason: bytes) -> None:
        """Tell the keeper why, and retire."""
        # The worker may have gone just now.
        with suppress(BrokenPipeError):
            os.write(self._service, reason)
        self._retire()

    def _retire(self) -> None:
        """Accept no more; whoever is waiting is the next template's."""
        if self._listener is None:
            return
        self._poll.unregister(self._listener)
        self._poll.unregister(self._service)
        self._listener.close()
        self._listener = None
        os.close(self._service)

    def _forget_everything(self) -> None:
        """Close, in a new child, what is the template's or its siblings'."""
        self._retire()
        for watch, child in self._children.items():
            os.close(watch)
            child.connection.close()
        self._children.clear()


def _tell(connection: socket.socket, answer: bytes, descriptor: int | None = None) -> None:
    """Send an answer without ever waiting; a launcher that is gone needs none."""
    rights = []
    if descriptor is not None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    try:
        connection.sendmsg([answer], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        return
