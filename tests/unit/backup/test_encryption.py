"""Streams that only their passphrase opens."""

from __future__ import annotations

import io
import secrets

import pytest

from appliance.backup.encryption import (
    CHUNK_BYTES,
    HEADER,
    TAG_BYTES,
    DecryptingReader,
    EncryptingWriter,
)
from appliance.errors import OperatorError, WorldError

PASSPHRASE = "correct horse"
OVERHEAD = HEADER.size + TAG_BYTES


def encrypted(plain: bytes, passphrase: str = PASSPHRASE) -> bytes:
    target = io.BytesIO()
    writer = EncryptingWriter(target, passphrase)
    for start in range(0, len(plain), 300_000):
        writer.write(plain[start : start + 300_000])
    writer.close()
    return target.getvalue()


def decrypted(sealed: bytes, passphrase: str = PASSPHRASE) -> bytes:
    reader = DecryptingReader(io.BytesIO(sealed), passphrase, "a.enc")
    parts = []
    while part := reader.read(77_777):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_what_was_written_is_read(size: int) -> None:
    plain = secrets.token_bytes(size)
    sealed = encrypted(plain)
    assert decrypted(sealed) == plain
    assert DecryptingReader(io.BytesIO(sealed), PASSPHRASE, "a").read() == plain
    assert size < 20 or plain[:20] not in sealed


def test_the_same_content_never_looks_the_same() -> None:
    assert encrypted(b"same") != encrypted(b"same")


def test_a_wrong_passphrase_is_said() -> None:
    with pytest.raises(OperatorError, match=r"the passphrase does not open a\.enc") as caught:
        decrypted(encrypted(b"plain"), "wrong")
    assert "wrong" not in caught.value.line()


@pytest.mark.parametrize("place", [0, 8, 9, 10, OVERHEAD - 1, OVERHEAD, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(encrypted(b"plain text"))
    sealed[place] ^= 0x81
    with pytest.raises((OperatorError, WorldError), match="damaged"):
        decrypted(bytes(sealed))


def chunks_of(sealed: bytes) -> list[bytes]:
    size = CHUNK_BYTES + TAG_BYTES
    return [sealed[start : start + size] for start in range(OVERHEAD, len(sealed), size)]


def test_chunks_moved_left_out_or_cut_off_are_noticed() -> None:
    sealed = encrypted(secrets.token_bytes(3 * CHUNK_BYTES))
    head, (first, second, third) = sealed[:OVERHEAD], chunks_of(sealed)
    for wrong in (
        [second, first, third],
        [first, third],
        [first, second],
        [first],
        [],
        [first, second, third[:-1]],
        [first, second, third, third],
        [first, second, third, b"x"],
    ):
        with pytest.raises(WorldError, match="it was changed or cut off"):
            decrypted(head + b"".join(wrong))


def test_a_chunk_of_another_archive_is_noticed() -> None:
    one, other = encrypted(b"plain"), encrypted(b"plain")
    with pytest.raises(WorldError, match="changed"):
        decrypted(one[:OVERHEAD] + other[OVERHEAD:])


def test_a_writer_that_was_not_closed_leaves_no_readable_archive() -> None:
    target = io.BytesIO()
    EncryptingWriter(target, PASSPHRASE).write(b"x" * (CHUNK_BYTES + 5))
    with pytest.raises(WorldError, match="cut off"):
        decrypted(target.getvalue())


@pytest.mark.parametrize("content", [b"", b"ZOE-ENC1", b"x" * 100])
def test_something_else_is_not_taken_for_an_archive(content: bytes) -> None:
    with pytest.raises(WorldError, match=r"a\.enc is damaged: it does not begin"):
        decrypted(content)
