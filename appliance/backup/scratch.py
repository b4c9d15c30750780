"""A hidden directory for work that may be killed: what a death left is removed by the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

PREFIX = ".partial-"


@contextlib.contextmanager
def scratch(
    parent: Path, prefix: str = PREFIX, *, keep: Callable[[], bool] = lambda: False
) -> Iterator[Path]:
    """Yield a new directory in `parent`, 0700; it is gone afterwards.

    Its name begins with `prefix`; those with another are other work's. Where `keep` then says that
    what is in it is still wanted, it stays as if its maker had been killed.

    A directory is in use while its maker holds a lock on it, which dies with the maker. So those
    of another machine that shares `parent` are left alone. (flock(2))
    """
    remove_leftovers(parent, prefix)
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with _opened(directory) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            if not keep():
                shutil.rmtree(directory, ignore_errors=True)


def remove_leftovers(parent: Path, prefix: str) -> None:
    """Remove the directories that nobody holds any more."""
    for directory in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError), _opened(directory) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
