"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
from pathlib import Path
from typing import Any

PRIVATE_DIR_MODE = 0o700
PRIVATE_FILE_MODE = 0o600
_LIBC = ctypes.CDLL(None, use_errno=True)


def write_atomically(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Replace `path` (mode 0600) by `content` in one step: a reader sees the old or the new.

    Args:
        path: The file; its directory must be there.
        content: Text is written as UTF-8.
        durable: Wait until the disk has it, for what must survive a power cut.
    """
    data = content.encode() if isinstance(content, str) else content
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def sync_file_system(directory: Path) -> None:
    """Wait until the directory's file system is on its disk.

    Thousands of files are there sooner by one syncfs(2), which Python lacks, than one by one.

    Raises:
        OSError: The disk did not take all of it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBC.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)


def make_private_dir(path: Path) -> None:
    """Make a directory that only its owner may enter; one that is there stays as it is."""
    path.mkdir(mode=PRIVATE_DIR_MODE, parents=True, exist_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a report that other processes read while we renew it."""
    write_atomically(path, json.dumps(value))


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a report; None when there is none (yet) or it is not a JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
