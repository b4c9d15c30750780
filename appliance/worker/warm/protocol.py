"""What launcher, template and child say to each other on their Unix socket.

The launcher is started for every flow run and imports this module, which therefore imports nothing
that an interpreter has not imported at its start.

One connection is one flow run. The launcher sends one request, its descriptors with the first
byte. Answers have a fixed form: a letter, a number, and a reason that is mostly empty.
"""

from __future__ import annotations

import os

# The environment variable that names the socket of the worker's own environment. Templates of other
# environments have theirs beside it.
ADDRESS = "ZOE_TEMPLATE_SOCKET"
# Beside it as well, for datagrams: each is the path of an interpreter that a template is wanted of.
WANTED = ".wanted"
# The environment variable that names the file which is to say why a run was stopped at a limit.
VERDICT = "ZOE_VERDICT"

# Answers. STARTED comes with the child's pidfd and carries its pid.
STARTED = b"S"
# The child cannot be what a cold run would be; it has run nothing of the flow. Carries a reason.
REFUSED = b"R"
# The child is what a cold run would be and begins: from here on nobody else may run the flow.
# Carries its pid, for a template that died before it could send STARTED.
BEGUN = b"B"
# The child is about to end by itself. Carries its exit code.
LEAVING = b"L"
# The template has reaped the child. Carries its wait status.
ENDED = b"E"

# What a template says to its keeper, one byte each: that it is ready to fork, and that it goes
# because it is outdated, or because nobody has come for long. One that goes without has died.
READY = b"r"
OUTDATED = b"o"
UNUSED = b"u"

# Descriptors that come with a request: standard input, output and error, the directory in which
# to run, and the end of a pipe whose other end lives as long as the launcher.
DESCRIPTORS = 5

_WORD = 4
ANSWER_HEAD = 1 + _WORD + _WORD
REQUEST_HEAD = _WORD


def address_beside(address: str, prefix: os.stat_result, python: os.stat_result) -> str:
    """Return the socket of another environment's template.

    A directory is named by what tells it from every other, for the path of a socket is short.

    Args:
        address: The socket of the worker's own environment.
        prefix: The other environment's directory.
        python: Its interpreter: there may be several in one directory.
    """
    return f"{address}.{prefix.st_dev:x}.{prefix.st_ino:x}.{python.st_ino:x}"


def pack(groups: list[list[bytes]]) -> bytes:
    """Return the bytes of a request, its length first."""
    parts = [_number(len(groups))]
    for group in groups:
        parts.append(_number(len(group)))
        for item in group:
            parts += (_number(len(item)), item)
    body = b"".join(parts)
    return _number(len(body)) + body


def unpack(body: bytes) -> list[list[bytes]]:
    """Return the groups of a request without its length.

    Raises:
        ValueError: It is cut short.
    """
    position = 0

    def number() -> int:
        nonlocal position
        position += _WORD
        return length(body[position - _WORD : position])

    def item() -> bytes:
        nonlocal position
        size = number()
        position += size
        if position > len(body):
            raise ValueError("the request is cut short")
        return body[position - size : position]

    return [[item() for _ in range(number())] for _ in range(number())]


def length(head: bytes) -> int:
    """Return the number that four bytes stand for.

    Raises:
        ValueError: There are fewer.
    """
    if len(head) != _WORD:
        raise ValueError("the request is cut short")
    return int.from_bytes(head, "little")


def answer(kind: bytes, value: int, reason: str = "") -> bytes:
    """Return the bytes of an answer."""
    text = reason.encode(errors="replace")
    return kind + value.to_bytes(_WORD, "little", signed=True) + _number(len(text)) + text


def parse_answer(data: bytes) -> tuple[bytes, int, str, bytes] | None:
    """Return kind, value and reason of the first answer in `data`, and what follows it.

    None when the answer is not complete yet.
    """
    if len(data) < ANSWER_HEAD:
        return None
    value = int.from_bytes(data[1 : 1 + _WORD], "little", signed=True)
    end = ANSWER_HEAD + length(data[1 + _WORD : ANSWER_HEAD])
    if len(data) < end:
        return None
    return data[:1], value, data[ANSWER_HEAD:end].decode(errors="replace"), data[end:]


def _number(value: int) -> bytes:
    return value.to_bytes(_WORD, "little")
