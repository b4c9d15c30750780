"""The target that is an S3-compatible bucket, through obstore (Apache's object_store)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from appliance.backup import names
from appliance.backup.seal import Readable
from appliance.backup.target import Stored
from appliance.errors import WorldError
from appliance.files import make_private_dir
from appliance.settings import Settings

if TYPE_CHECKING:
    # Of the type stubs only.
    from obstore import ReadableFile
    from obstore.store import S3Config

# S3 wants parts of at least 5 MiB and takes 10,000 of them: archives up to 160 GB.
PART_BYTES = 16 * 1024 * 1024
PARTS_AT_ONCE = 2
READ_BYTES = 8 * 1024 * 1024
RETRIES = 3


class BucketTarget:
    """A bucket, or what lies below a prefix in one."""

    def __init__(self, url: str, settings: Settings, staging: Path) -> None:
        """Name the bucket; nothing is asked of it yet.

        Args:
            url: `s3://BUCKET` or `s3://BUCKET/PREFIX`.
            settings: How to reach it, and as whom.
            staging: A local directory with space for an archive.
        """
        parts = urlsplit(url)
        endpoint = settings.backup_s3_endpoint
        self._url = url
        self._staging = staging
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=_config(settings),
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http:")),
                "connect_timeout": timedelta(seconds=10),
                "timeout": timedelta(minutes=5),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(minutes=2)},
        )

    def __str__(self) -> str:
        return self._url

    @property
    def staging(self) -> Path:
        """A directory of our own: an upload needs the whole archive first."""
        make_private_dir(self._staging)
        return self._staging

    def put(self, archive: Path) -> None:
        """Upload the archive; a bucket shows it when all of it has arrived."""
        with self._in_words():
            obstore.put(
                self._store,
                archive.name,
                archive,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        archive.unlink()

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        """Open an archive for reading from its beginning, a piece per request."""
        with self._in_words():
            file = obstore.open_reader(self._store, name, buffer_size=READ_BYTES)
        yield _Reader(file, self)

    def stored(self) -> list[Stored]:
        """Return the archives, oldest first."""
        found = []
        with self._in_words():
            for page in obstore.list(self._store):
                for entry in page:
                    name = names.parse(entry["path"])
                    if name:
                        found.append(Stored(name, entry["size"]))
        return sorted(found, key=lambda stored: stored.name)

    def delete(self, name: str) -> None:
        """Remove an archive; one that is not there is removed already."""
        with self._in_words(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, name)

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise WorldError(
                f"the bucket cannot be used: {_reason(error)}",
                where=f"ZOE_BACKUP_TARGET {self._url}",
                remedy="check its name, ZOE_BACKUP_S3_ENDPOINT and the keys",
            ) from error


def _config(settings: Settings) -> S3Config:
    """Return how to reach the bucket, and as whom; obstore looks for what is left out."""
    config: S3Config = {"region": settings.backup_s3_region}
    if settings.backup_s3_endpoint:
        config["endpoint"] = settings.backup_s3_endpoint
    if settings.backup_s3_access_key and settings.backup_s3_secret_key:
        config["access_key_id"] = settings.backup_s3_access_key.get_secret_value()
        config["secret_access_key"] = settings.backup_s3_secret_key.get_secret_value()
    return config


class _Reader:
    """obstore's reader, with its errors in our words and its buffers as bytes."""

    def __init__(self, file: ReadableFile, target: BucketTarget) -> None:
        self._file, self._target = file, target

    def read(self, size: int = -1, /) -> bytes:
        with self._target._in_words():  # noqa: SLF001 - of this module
            return bytes(self._file.read(None if size < 0 else size))


def _reason(error: Exception) -> str:
    """Return the first line of obstore's words; a dump of its values follows there."""
    return str(error).strip().split("\n", maxsplit=1)[0]
