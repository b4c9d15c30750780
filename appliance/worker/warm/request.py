"""A launcher's request as the child reads it."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

from appliance.worker.warm import protocol


@dataclass(frozen=True)
class Request:
    """What a flow run was started with.

    Attributes:
        arguments: The words after the command.
        environment: Its environment.
        umask: Its file mode creation mask.
        nice: Its nice value.
        keeps_orphans: Whether its processes must stay below it; see `orphans`.
        limits: Soft and hard resource limits by their names in the module `resource`.
        ignored: The signals that it ignores.
        blocked: The signals that it blocks.
        missing: Which of the descriptors 0 to 2 are closed.
        processors: The processors that it may use.
        descriptors: Input, output, error, directory, and the life of the launcher.
    """

    arguments: list[str]
    environment: dict[str, str]
    umask: int
    nice: int
    keeps_orphans: bool
    limits: dict[str, tuple[int, int]]
    ignored: list[int]
    blocked: list[int]
    missing: list[int]
    processors: set[int]
    descriptors: list[int]


def receive(connection: socket.socket) -> Request:
    """Read the request from a connection.

    Raises:
        ValueError: It is cut short or malformed.
        OSError: The connection broke.
    """
    data, descriptors, _, _ = socket.recv_fds(connection, 65536, protocol.DESCRIPTORS)
    if len(descriptors) != protocol.DESCRIPTORS:
        raise ValueError("the request lacks descriptors")
    while len(data) < protocol.REQUEST_HEAD or len(data) - protocol.REQUEST_HEAD < (
        protocol.length(data[: protocol.REQUEST_HEAD])
    ):
        more = connection.recv(65536)
        if not more:
            raise ValueError("the request is cut short")
        data += more
    arguments, environment, facts, limits, ignored, blocked, missing, processors = protocol.unpack(
        data[protocol.REQUEST_HEAD :]
    )
    umask, nice, keeps_orphans = map(int, facts)
    return Request(
        arguments=[os.fsdecode(word) for word in arguments],
        environment=dict(_variable(entry) for entry in environment),
        umask=umask,
        nice=nice,
        keeps_orphans=bool(keeps_orphans),
        limits=dict(_limit(entry) for entry in limits),
        ignored=list(map(int, ignored)),
        blocked=list(map(int, blocked)),
        missing=list(map(int, missing)),
        processors=set(map(int, processors)),
        descriptors=descriptors,
    )


def peer(connection: socket.socket) -> tuple[int, int, int]:
    """Return process, user and group id of the launcher (unix(7), SO_PEERCRED)."""
    form = struct.Struct("3i")
    pid, uid, gid = form.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, form.size)
    )
    return pid, uid, gid


def _variable(entry: bytes) -> tuple[str, str]:
    name, _, value = entry.partition(b"=")
    return os.fsdecode(name), os.fsdecode(value)


def _limit(entry: bytes) -> tuple[str, tuple[int, int]]:
    name, soft, hard = entry.decode().split()
    return name, (int(soft), int(hard))
