"""A stream that only its passphrase opens, and that tells when a byte of it is not as written.

Form: a header (magic, scrypt's parameters, salt, nonce prefix), a seal, then chunks. The key comes
from the passphrase by scrypt (RFC 7914). Each chunk is sealed by AES-256-GCM with the header as
additional data, under a nonce of prefix, chunk number and a mark on the last one (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so that a chunk that is changed,
moved, left out or cut off is noticed. The seal, chunk 0 of no content, tells a wrong passphrase
from damage.
"""

from __future__ import annotations

import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from appliance.backup.seal import Readable, Writable
from appliance.errors import OperatorError, WorldError

MAGIC = b"ZOE-ENC1"
# 64 MiB and a quarter of a second for each guess (OWASP's password storage cheat sheet, 2024).
SCRYPT_LOG2_N, SCRYPT_R, SCRYPT_P = 16, 8, 2
# What we are willing to spend on a header that somebody else wrote: 1 GiB.
MOST_LOG2_N, MOST_R, MOST_P = 20, 8, 4
HEADER = struct.Struct(">8sBBB16s7s")
CHUNK_BYTES = 1024 * 1024
TAG_BYTES = 16


class EncryptingWriter:
    """Encrypts what is written to it; without `close` the result is noticed as cut off."""

    def __init__(self, target: Writable, passphrase: str) -> None:
        self._target = target
        self._buffer = bytearray()
        self._number = 1
        self._header = HEADER.pack(
            MAGIC,
            SCRYPT_LOG2_N,
            SCRYPT_R,
            SCRYPT_P,
            secrets.token_bytes(16),
            secrets.token_bytes(7),
        )
        self._cipher = _cipher(self._header, passphrase)
        target.write(self._header + _sealed(self._cipher, self._header, 0, b"", last=False))

    def write(self, data: bytes) -> int:
        """Take bytes; whole chunks go on to the target."""
        self._buffer += data
        # One chunk is kept back: it may turn out to be the last.
        while len(self._buffer) > CHUNK_BYTES:
            self._emit(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]
        return len(data)

    def flush(self) -> None:
        """Do nothing: a chunk is written when it is full."""

    def close(self) -> None:
        """Write the last chunk; the target stays open."""
        self._emit(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _emit(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(_sealed(self._cipher, self._header, self._number, chunk, last=last))
        self._number += 1


class DecryptingReader:
    """Gives the bytes that an `EncryptingWriter` took, and none that it did not.

    Raises:
        OperatorError: The passphrase is not the one.
        WorldError: Something was changed, also from `read`.
    """

    def __init__(self, source: Readable, passphrase: str, name: str) -> None:
        self._source = source
        self._name = name
        self._header = _read_fully(source, HEADER.size)
        if len(self._header) < HEADER.size or not self._header.startswith(MAGIC):
            raise self._damaged("it does not begin as an encrypted archive does")
        self._cipher = _cipher(self._header, passphrase, name)
        try:
            _opened(self._cipher, self._header, 0, _read_fully(source, TAG_BYTES), last=False)
        except InvalidTag:
            raise OperatorError(
                f"the passphrase does not open {name}",
                where="ZOE_BACKUP_PASSPHRASE",
                remedy="give the one that it was made with (or its first bytes are damaged)",
            ) from None
        self._number = 1
        self._plain = b""
        self._ahead = _read_fully(source, CHUNK_BYTES + TAG_BYTES)
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all of them verified; none at the end."""
        parts: list[bytes] = []
        wanted = size
        while wanted and (self._plain or not self._ended):
            if not self._plain:
                self._plain = self._next_chunk()
            part = self._plain if wanted < 0 else self._plain[:wanted]
            self._plain = self._plain[len(part) :]
            parts.append(part)
            if wanted > 0:
                wanted -= len(part)
        return b"".join(parts)

    def _next_chunk(self) -> bytes:
        chunk, self._ahead = self._ahead, _read_fully(self._source, CHUNK_BYTES + TAG_BYTES)
        self._ended = not self._ahead
        try:
            plain = _opened(self._cipher, self._header, self._number, chunk, last=self._ended)
        except InvalidTag:
            raise self._damaged("it was changed or cut off") from None
        self._number += 1
        return plain

    def _damaged(self, reason: str) -> WorldError:
        return WorldError(f"the archive {self._name} is damaged: {reason}")


def _cipher(header: bytes, passphrase: str, name: str = "") -> AESGCM:
    _, log2_n, r, p, salt, _ = HEADER.unpack(header)
    if not (0 < log2_n <= MOST_LOG2_N and 0 < r <= MOST_R and 0 < p <= MOST_P):
        raise WorldError(f"the archive {name} is damaged: its key's parameters make no sense")
    key = Scrypt(salt=salt, length=32, n=1 << log2_n, r=r, p=p).derive(passphrase.encode())
    return AESGCM(key)


def _nonce(header: bytes, number: int, *, last: bool) -> bytes:
    return bytes(HEADER.unpack(header)[5]) + struct.pack(">IB", number, last)


def _sealed(cipher: AESGCM, header: bytes, number: int, plain: bytes, *, last: bool) -> bytes:
    return cipher.encrypt(_nonce(header, number, last=last), plain, header)


def _opened(cipher: AESGCM, header: bytes, number: int, sealed: bytes, *, last: bool) -> bytes:
    if len(sealed) < TAG_BYTES:
        raise InvalidTag
    return cipher.decrypt(_nonce(header, number, last=last), sealed, header)


def _read_fully(source: Readable, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = source.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
