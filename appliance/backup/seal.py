"""A checksum over a compressed stream, at its end, in a form that every gzip passes over.

gzip's own covers what was compressed, not how: several bytes can be changed without a change of
the content. The seal is a further gzip member, empty, with the SHA-256 of all bytes before it in
its extra field (RFC 1952, 2.3.1.1).
"""

from __future__ import annotations

import hashlib
import struct
from typing import BinaryIO, Protocol

# Magic, deflate, FEXTRA, no time, unknown system; the extra field's length, and our subfield's.
_HEAD = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H2sH", 36, b"Zo", 32)
# An empty deflate block, and the checksum and length of nothing.
_TAIL = b"\x03\0" + bytes(8)
SEAL_BYTES = len(_HEAD) + 32 + len(_TAIL)
PIECE_BYTES = 64 * 1024


class Readable(Protocol):
    """What bytes can be read from, one after the other."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Writable(Protocol):
    """What bytes can be written to, one after the other."""

    def write(self, data: bytes, /) -> int:
        """Take all of the bytes."""


class SealingWriter:
    """Passes bytes on and adds their seal when it is closed; the target stays open."""

    def __init__(self, target: Writable) -> None:
        self._target = target
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Pass bytes on."""
        self._digest.update(data)
        return self._target.write(data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Write the seal."""
        self._target.write(_HEAD + self._digest.digest() + _TAIL)


class SealedReader:
    """Gives the bytes before the seal, and tells at their end whether they are the ones."""

    def __init__(self, source: Readable | BinaryIO) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._ahead = b""
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises:
            ValueError: The end is there, and the seal does not fit what came before it.
        """
        while not self._ended and (size < 0 or len(self._ahead) <= SEAL_BYTES):
            piece = self._source.read(PIECE_BYTES)
            self._ended = not piece
            self._ahead += piece
        available = max(len(self._ahead) - SEAL_BYTES, 0)
        part = self._ahead[: available if size < 0 else min(size, available)]
        self._ahead = self._ahead[len(part) :]
        self._digest.update(part)
        if self._ended and len(self._ahead) <= SEAL_BYTES and (size < 0 or (size and not part)):
            self._check()
        return part

    def _check(self) -> None:
        if self._ahead != _HEAD + self._digest.digest() + _TAIL:
            raise ValueError("its checksum is not right, or it was cut off")
