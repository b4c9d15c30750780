"""What a forked child does to become what a cold flow run would be."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from appliance.worker.warm import frozen, orphans, protocol
from appliance.worker.warm.launcher import FORWARDED
from appliance.worker.warm.request import Request, peer, receive

STREAMS = ("stdin", "stdout", "stderr")


class RefusedError(Exception):
    """A cold run would be something else than this process can become."""


@dataclass(frozen=True)
class Origin:
    """What the template was made of.

    Attributes:
        environment: What it was started with.
        path: Its `sys.path`: the standard library and the installed packages.
        modules: The names of the top-level modules that it has imported.
        added: What they have put into the environment for themselves.
    """

    environment: Mapping[str, str]
    path: Collection[str]
    modules: Collection[str]
    added: Mapping[str, str] = field(default_factory=dict)


def become(connection: socket.socket, origin: Origin) -> Request:
    """Read the launcher's request and take over all that it asks for.

    Returns:
        The request; never when it cannot be fulfilled: then the launcher is told, and the process
        ends.
    """
    try:
        request = receive(connection)
        _tie_to_launcher(request.descriptors[-1])
        check(request, connection, origin)
        _join(connection)
        _take_over(request, origin)
        connection.sendall(protocol.answer(protocol.BEGUN, os.getpid()))
    except Exception as error:  # noqa: BLE001 - whatever it is, a new interpreter may do better
        # A launcher that is gone needs no answer.
        with suppress(OSError):
            connection.sendall(protocol.answer(protocol.REFUSED, 0, str(error)))
        os._exit(0)
    return request


def check(request: Request, connection: socket.socket, origin: Origin) -> None:
    """Refuse a request that only a new interpreter could fulfil.

    Raises:
        RefusedError: With the reason.
    """
    _, uid, gid = peer(connection)
    if (uid, gid) != (os.geteuid(), os.getegid()):
        raise RefusedError("it is another user's")
    name = frozen.difference(origin.environment, request.environment)
    if name is not None:
        raise RefusedError(f"{name} differs from the worker's")
    os.fchdir(request.descriptors[3])
    wanted = frozen.search_path(str(Path.cwd()), request.environment.get("PYTHONPATH"), ())
    path = frozen.shadow(wanted, origin.modules)
    if path is not None:
        raise RefusedError(f"{path} hides a module that is imported already")


def _tie_to_launcher(life: int) -> None:
    """Let the kernel kill us as soon as the launcher is gone (fcntl(2), F_SETSIG)."""
    fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETFL, os.O_ASYNC)
    # It may have gone before the kernel knew whom to tell.
    poll = select.poll()
    poll.register(life, 0)
    if poll.poll(0):
        os._exit(1)


def _join(connection: socket.socket) -> None:
    """Go into the launcher's process group, for whoever signals the whole of it."""
    launcher, _, _ = peer(connection)
    try:
        os.setpgid(0, os.getpgid(launcher))
    except OSError:
        # It belongs to another session.
        os.setsid()


def _take_over(request: Request, origin: Origin) -> None:
    os.umask(request.umask)
    _limit(request)
    _heed(request.ignored)
    signal.pthread_sigmask(signal.SIG_SETMASK, request.blocked)
    _adopt_streams(request)
    os.environ.clear()
    os.environ.update({**origin.added, **request.environment})
    time.tzset()
    sys.path[:] = frozen.search_path(
        str(Path.cwd()), request.environment.get("PYTHONPATH"), origin.path
    )


def _heed(ignored: Collection[int]) -> None:
    """Ignore these signals; let others have their usual effect, even if the template is deaf."""
    for number in FORWARDED:
        if number in ignored:
            signal.signal(number, signal.SIG_IGN)
        elif signal.getsignal(number) == signal.SIG_IGN:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)


def _limit(request: Request) -> None:
    if request.keeps_orphans:
        orphans.keep()
    if request.nice != os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, request.nice)
    if request.processors != os.sched_getaffinity(0):
        os.sched_setaffinity(0, request.processors)
    for name, limits in request.limits.items():
        number = getattr(resource, name)
        if resource.getrlimit(number) != limits:
            resource.setrlimit(number, limits)


def _adopt_streams(request: Request) -> None:
    for number, name in enumerate(STREAMS):
        stream: TextIO | None = getattr(sys, name)
        if number in request.missing:
            # As Python does where a descriptor is closed.
            os.close(number)
            setattr(sys, name, None)
            setattr(sys, f"__{name}__", None)
            continue
        os.dup2(request.descriptors[number], number)
        if name == "stdout" and stream is not None and stream.isatty():
            stream.reconfigure(line_buffering=True)  # type: ignore[attr-defined]  # of a TextIOWrapper
    for descriptor in request.descriptors[:-1]:
        os.close(descriptor)
