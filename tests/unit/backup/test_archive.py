"""Archives on disk: written whole, read to the last byte."""

from __future__ import annotations

import io
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.backup import archive
from appliance.backup.manifest import FileEntry, Manifest
from appliance.backup.seal import SealingWriter
from appliance.errors import OperatorError, WorldError

PASSPHRASE = "correct horse"


def manifest_of(files: dict[str, FileEntry]) -> Manifest:
    return Manifest(
        zoe="0.1.0",
        prefect="3.8.8",
        made_at=datetime(2026, 11, 21, tzinfo=UTC),
        engine="sqlite",
        revision="abc",
        tables={"flow_run": 2},
        files=files,
    )


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    root = tmp_path / "staged"
    (root / "database").mkdir(parents=True)
    (root / "database" / "prefect.db").write_bytes(b"rows" * 50)
    (root / "results").mkdir()
    (root / "results" / ("long-name-" * 15)).write_bytes(b"")
    (root / "results" / "größe").write_bytes(b"\x00\xff")
    return root


def write(staged: Path, target: Path, passphrase: str | None = None) -> Manifest:
    manifest = manifest_of(archive.file_entries(staged))
    archive.write(target, staged, manifest, passphrase)
    return manifest


@pytest.mark.parametrize(("name", "passphrase"), [("a.tar.gz", None), ("a.tar.gz.enc", PASSPHRASE)])
def test_what_was_staged_comes_out(
    staged: Path, tmp_path: Path, name: str, passphrase: str | None
) -> None:
    path, out = tmp_path / name, tmp_path / "out"
    manifest = write(staged, path, passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert archive.read_manifest(path, passphrase) == manifest
    with path.open("rb") as file:
        assert archive.verify(file, path.name, passphrase) == manifest
    assert archive.extract(path, out, passphrase) == manifest
    assert archive.file_entries(out) == manifest.files
    assert (out / "results" / "größe").read_bytes() == b"\x00\xff"
    for file_path in out.rglob("*"):
        assert stat.S_IMODE(file_path.stat().st_mode) in {0o600, 0o700}


def test_the_manifest_is_the_first_member_and_others_may_look_with_tar(
    staged: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar.gz"
    write(staged, path)
    with tarfile.open(path) as tar:
        assert tar.getnames()[0] == "manifest.json"
        assert "database/prefect.db" in tar.getnames()


def test_an_encrypted_one_shows_nothing(staged: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz.enc"
    write(staged, path, PASSPHRASE)
    assert b"prefect" not in path.read_bytes()
    with pytest.raises(OperatorError, match="is encrypted"):
        archive.read_manifest(path, None)
    with pytest.raises(OperatorError, match="does not open"):
        archive.read_manifest(path, "other")


@pytest.mark.parametrize("bits", [0x01, 0x10, 0xFF])
def test_a_flipped_byte_anywhere_is_caught(staged: Path, tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a.tar.gz"
    write(staged, path)
    content = bytearray(path.read_bytes())
    for place in range(len(content)):
        content[place] ^= bits
        with pytest.raises(WorldError, match=r"a\.tar\.gz is damaged"):
            archive.verify(io.BytesIO(content), path.name, None)
        content[place] ^= bits
    archive.verify(io.BytesIO(content), path.name, None)


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.99])
def test_one_that_was_cut_off_is_caught(staged: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.tar.gz"
    write(staged, path)
    content = path.read_bytes()
    with pytest.raises(WorldError, match="damaged"):
        archive.verify(io.BytesIO(content[: int(len(content) * share)]), path.name, None)


def forged(tmp_path: Path, members: dict[str, bytes], files: dict[str, FileEntry]) -> Path:
    """An archive whose tar is sound and whose content does not fit its manifest."""
    path = tmp_path / "forged.tar.gz"
    text = manifest_of(files).to_json().encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"manifest.json": text, **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with path.open("wb") as file:
        sealing = SealingWriter(file)
        sealing.write(packed.getvalue())
        sealing.close()
    return path


ENTRY = FileEntry("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", 1)  # of "a"


@pytest.mark.parametrize(
    ("members", "files", "words"),
    [
        ({"a": b"b"}, {"a": ENTRY}, "the checksum of a is not the manifest's"),
        ({"a": b"a", "b": b"b"}, {"a": ENTRY}, "b is not in its manifest"),
        ({}, {"a": ENTRY}, "a is missing"),
        ({"../a": b"a"}, {"../a": ENTRY}, "../a is not in its manifest"),
        ({"/tmp/a": b"a"}, {"/tmp/a": ENTRY}, "/tmp/a is not in its manifest"),  # noqa: S108 - never made
    ],
)
def test_what_the_manifest_does_not_say_is_not_unpacked(
    tmp_path: Path, members: dict[str, bytes], files: dict[str, FileEntry], words: str
) -> None:
    with pytest.raises(WorldError) as caught:
        archive.extract(forged(tmp_path, members, files), tmp_path / "out", None)
    assert words in caught.value.line()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_an_archive_that_cannot_be_finished_leaves_no_file(
    staged: Path, tmp_path: Path, passphrase: str | None
) -> None:
    manifest = manifest_of({**archive.file_entries(staged), "gone": FileEntry("00", 1)})
    with pytest.raises(FileNotFoundError):
        archive.write(tmp_path / "a", staged, manifest, passphrase)
    assert not (tmp_path / "a").exists()
