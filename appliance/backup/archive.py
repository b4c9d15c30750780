"""One file that holds a backup: a compressed tar, its manifest first, encrypted or not.

Whatever is read from an archive is compared with the manifest's checksums, and the archive is
always read to its last byte: nothing of it counts before all of it is as it was written.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from appliance.backup.encryption import DecryptingReader, EncryptingWriter
from appliance.backup.manifest import FileEntry, Manifest
from appliance.backup.seal import Readable, SealedReader, SealingWriter
from appliance.errors import OperatorError, WorldError
from appliance.files import PRIVATE_FILE_MODE, make_private_dir

MANIFEST = "manifest.json"
# Level 6 took 11 s for a database of 149 MB, this one 7.7 s (on two cores).
COMPRESSION = 3
ENCRYPTED_SUFFIX = ".enc"
MOST_MANIFEST_BYTES = 256 * 1024 * 1024
PIECE_BYTES = 1024 * 1024


def file_entries(staged: Path) -> dict[str, FileEntry]:
    """Return every file below a directory by its name in the archive, in order."""
    found = {}
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(staged).as_posix()] = FileEntry(digest, path.stat().st_size)
    return found


def write(path: Path, staged: Path, manifest: Manifest, passphrase: str | None = None) -> None:
    """Write an archive, 0600 and to the disk; what fails half way leaves no file.

    Args:
        path: The archive.
        staged: The directory of its files; exactly those that the manifest names are taken.
        manifest: What it will say of itself.
        passphrase: Encrypt with it; None not to.

    Raises:
        OSError: It cannot be written, for want of space, say.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            outer = EncryptingWriter(file, passphrase) if passphrase else None
            sealing = SealingWriter(outer or file)
            _write_tar(cast("BinaryIO", sealing), staged, manifest)
            sealing.close()
            if outer:
                outer.close()
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write_tar(target: BinaryIO, staged: Path, manifest: Manifest) -> None:
    with (
        gzip.GzipFile("", "wb", COMPRESSION, target, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        text = manifest.to_json().encode()
        tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        for name, entry in manifest.files.items():
            with (staged / name).open("rb") as file:
                tar.addfile(_member(name, entry.size), file)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = PRIVATE_FILE_MODE
    return member


def read_manifest(path: Path, passphrase: str | None) -> Manifest:
    """Return what an archive says of itself; the rest of it is not looked at.

    Raises:
        OperatorError: The passphrase is missing or wrong.
        WorldError: It is damaged.
    """
    with path.open("rb") as file:
        return read_manifest_from(file, path.name, passphrase)


def read_manifest_from(source: Readable, name: str, passphrase: str | None) -> Manifest:
    """Do as `read_manifest` with a stream; its name tells whether it is encrypted."""
    with _opened(source, name, passphrase) as (tar, _):
        return _first_member(tar)


def extract(path: Path, into: Path, passphrase: str | None) -> Manifest:
    """Unpack an archive and verify every byte of it.

    Args:
        path: The archive.
        into: The directory that will hold its files, 0600; made when it is not there. After an
            error what lies there must not be used.
        passphrase: Opens it; None where it is not encrypted.

    Raises:
        OperatorError: The passphrase is missing or wrong.
        WorldError: It is damaged.
    """
    with path.open("rb") as file:
        return extract_from(file, path.name, into, passphrase)


def extract_from(source: Readable, name: str, into: Path, passphrase: str | None) -> Manifest:
    """Do as `extract` with a stream; its name tells whether it is encrypted."""
    make_private_dir(into)
    return _read_all(source, name, passphrase, into)


def verify(source: Readable, name: str, passphrase: str | None) -> Manifest:
    """Read all of an archive and keep nothing; return its manifest when every byte is right.

    Raises:
        OperatorError: The passphrase is missing or wrong.
        WorldError: It is damaged.
    """
    return _read_all(source, name, passphrase, None)


def _read_all(source: Readable, name: str, passphrase: str | None, into: Path | None) -> Manifest:
    with _opened(source, name, passphrase) as (tar, packed):
        manifest = _first_member(tar)
        seen = set()
        while member := tar.next():
            entry = manifest.files.get(member.name)
            content = tar.extractfile(member) if member.isreg() else None
            if entry is None or content is None or not _is_below(member.name):
                raise tarfile.ReadError(f"{member.name} is not in its manifest")
            seen.add(member.name)
            if _copied(content, into / member.name if into else None) != entry:
                raise tarfile.ReadError(f"the checksum of {member.name} is not the manifest's")
        missing = sorted(manifest.files.keys() - seen)
        if missing:
            raise tarfile.ReadError(f"{missing[0]} is missing")
        # What follows the tar's end counts for the seal, which comes last.
        while packed.read(PIECE_BYTES):
            pass
    return manifest


@contextlib.contextmanager
def _opened(
    source: Readable, name: str, passphrase: str | None
) -> Iterator[tuple[tarfile.TarFile, gzip.GzipFile]]:
    """Open the layers of an archive; whatever is wrong with one becomes the same sentence."""
    if name.endswith(ENCRYPTED_SUFFIX):
        if passphrase is None:
            raise OperatorError(
                f"{name} is encrypted",
                where="ZOE_BACKUP_PASSPHRASE is not set",
                remedy="set ZOE_BACKUP_PASSPHRASE_FILE to the passphrase that it was made with",
            )
        source = DecryptingReader(source, passphrase, name)
    try:
        sealed = cast("BinaryIO", SealedReader(source))
        with (
            gzip.GzipFile(fileobj=sealed, mode="rb") as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            yield tar, packed
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError) as error:
        raise WorldError(
            f"the archive {name} is damaged: {error}", remedy="use another one"
        ) from None


def _first_member(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    content = tar.extractfile(member) if member else None
    if member is None or content is None or member.name != MANIFEST:
        raise tarfile.ReadError("it does not begin with a manifest")
    if member.size > MOST_MANIFEST_BYTES:
        raise tarfile.ReadError("its manifest is too large")
    return Manifest.from_json(content.read())


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _copied(content: IO[bytes], target: Path | None) -> FileEntry:
    """Read a member to its end, into a file where one is wanted; return what was read."""
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        file = None
        if target:
            make_private_dir(target.parent)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
            file = stack.enter_context(os.fdopen(descriptor, "wb"))
        while piece := content.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            if file:
                file.write(piece)
    return FileEntry(digest.hexdigest(), size)
