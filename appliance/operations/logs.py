"""`zoe logs`: the log stream again, of one program or of all, up to now or as it goes on."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.settings import load
from appliance.supervisor.stream import KEPT_FILES, program_of

POLL_SECONDS = 0.2


def logs(*, program: str | None, follow: bool, lines: int) -> int:
    """Print the last lines and, if asked, whatever comes after them.

    Args:
        program: Only this program's lines; None for all.
        follow: Go on until Ctrl-C.
        lines: How many of the past lines.

    Raises:
        OperatorError: There is no log yet.
    """
    path = Layout(load().settings.data_dir).log_file
    if not path.exists():
        raise OperatorError(
            "there is no log yet", where=str(path), remedy="start Zoe first: zoe run"
        )
    with path.open("rb") as current:
        past = deque(_wanted(_past_lines(path, current.read()), program), maxlen=lines)
        sys.stdout.writelines(past)
        sys.stdout.flush()
        position = current.tell()
    if follow:
        for line in _wanted(_coming_lines(path, position), program):
            sys.stdout.write(line)
            sys.stdout.flush()
    return 0


def _past_lines(path: Path, current: bytes) -> Iterator[str]:
    for number in range(KEPT_FILES, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            yield from _lines(older.read_bytes())
    yield from _lines(current)


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines(keepends=True)


def _wanted(lines: Iterator[str], program: str | None) -> Iterator[str]:
    return (line for line in lines if program is None or program_of(line) == program)


def _coming_lines(path: Path, position: int) -> Iterator[str]:
    """Yield lines as they are appended, across rotations of the file."""
    file = path.open("rb")
    file.seek(position)
    pending = b""
    while True:
        chunk = file.read()
        if chunk:
            *whole, pending = (pending + chunk).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace") + "\n"
            continue
        if path.exists() and path.stat().st_ino != _inode(file.fileno()):
            file.close()
            file = path.open("rb")
            continue
        time.sleep(POLL_SECONDS)


def _inode(descriptor: int) -> int:
    return Path(f"/proc/self/fd/{descriptor}").stat().st_ino
