from __future__ import annotations

import gzip
import io
import secrets

import pytest

from appliance.backup.seal import PIECE_BYTES, SEAL_BYTES, SealedReader, SealingWriter


def sealed(content: bytes) -> bytes:
    target = io.BytesIO()
    writer = SealingWriter(target)
    writer.write(content[:3])
    writer.write(content[3:])
    writer.close()
    return target.getvalue()


def read(source: bytes, size: int) -> bytes:
    reader = SealedReader(io.BytesIO(source))
    parts = []
    while part := reader.read(size):
        parts.append(part)
        if size < 0:
            break
    return b"".join(parts)


@pytest.mark.parametrize("length", [0, 1, SEAL_BYTES, PIECE_BYTES, PIECE_BYTES + SEAL_BYTES + 1])
@pytest.mark.parametrize("size", [-1, 7_000, PIECE_BYTES])
def test_what_was_sealed_is_read(length: int, size: int) -> None:
    content = secrets.token_bytes(length)
    assert read(sealed(content), size) == content


def test_gzip_passes_over_it() -> None:
    assert gzip.decompress(sealed(gzip.compress(b"content"))) == b"content"


@pytest.mark.parametrize("size", [-1, 10])
def test_every_changed_byte_is_noticed(size: int) -> None:
    content = bytearray(sealed(b"some content"))
    for place in range(len(content)):
        content[place] ^= 1
        with pytest.raises(ValueError, match="checksum"):
            read(bytes(content), size)
        content[place] ^= 1


def test_one_that_was_cut_off_is_noticed() -> None:
    whole = sealed(b"some content")
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="cut off"):
            read(whole[:length], 10)
