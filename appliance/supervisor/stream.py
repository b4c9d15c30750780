"""One log stream of all programs: each line whole and prefixed, on stdout and in a file."""

from __future__ import annotations

import os
import re
from pathlib import Path

MAX_LINE_BYTES = 65_536
MAX_FILE_BYTES = 10_000_000
KEPT_FILES = 5
SEPARATOR = " | "
NAME_WIDTH = 10
# The line that ends a Python traceback.
EXCEPTION_LINE = re.compile(r"[A-Za-z_][\w.]*(Error|Exception): \S")


def prefixed(program: str, line: str) -> str:
    """Return a line of the stream, as `docker logs` and `zoe logs` show it."""
    return f"{program:<{NAME_WIDTH}}{SEPARATOR}{line}\n"


def program_of(line: str) -> str:
    """Return the program that wrote a line of the stream."""
    return line.partition(SEPARATOR)[0].rstrip()


class LogFile:
    """A file that is renamed to `.1`, `.2`, … when it is full, and that never raises.

    The stream must go on when the disk is full: stdout still has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size if path.exists() else 0

    def write(self, data: bytes) -> None:
        """Append; what the disk does not take is dropped."""
        try:
            if self._size + len(data) > MAX_FILE_BYTES:
                self._rotate()
            # Opened for each chunk: nothing is buffered, and a file that somebody removed returns.
            with self._path.open("ab") as file:
                file.write(data)
                self._size = file.tell()
        except OSError:
            return

    def _rotate(self) -> None:
        if not self._path.exists():
            return
        for number in range(KEPT_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))


class Stream:
    """Turns chunks of output into whole, prefixed lines.

    Args:
        stdout: The descriptor of the container's log, or of the unit's journal.
        file: Where `zoe logs` reads.
    """

    def __init__(self, stdout: int, file: LogFile) -> None:
        self._stdout = stdout
        self._file = file
        self._pending: dict[str, bytes] = {}
        self._last: dict[str, str] = {}
        self._exception: dict[str, str] = {}

    def feed(self, program: str, data: bytes) -> None:
        """Take a chunk of a program's output; write the lines that it completes."""
        *whole, rest = (self._pending.pop(program, b"") + data).split(b"\n")
        lines = [piece for line in whole for piece in _pieces(line)]
        *full, rest = _pieces(rest)
        lines += full
        if rest:
            self._pending[program] = rest
        self._write(program, lines)

    def flush(self, program: str) -> None:
        """Write what a program left without a line break, because it has ended."""
        rest = self._pending.pop(program, b"")
        if rest:
            self._write(program, [rest])

    def last_line(self, program: str) -> str:
        """Return the line that most likely says why a program ended.

        That is the last one that names an exception, for a framework's farewell often follows it;
        where there is none, the last one with any text in it.
        """
        return self._exception.get(program) or self._last.get(program, "")

    def forget(self, program: str) -> None:
        """Forget the last line of a program, because another process of it starts."""
        self._last.pop(program, None)
        self._exception.pop(program, None)

    def _write(self, program: str, lines: list[bytes]) -> None:
        if not lines:
            return
        texts = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
        for text in texts:
            if text.strip():
                self._last[program] = text.strip()
            if EXCEPTION_LINE.match(text):
                self._exception[program] = text.strip()
        data = "".join(prefixed(program, text) for text in texts).encode()
        self._file.write(data)
        _write_all(self._stdout, data)


def _pieces(line: bytes) -> list[bytes]:
    """Cut a line that is too long, never within a character."""
    pieces = []
    while len(line) > MAX_LINE_BYTES:
        cut = MAX_LINE_BYTES
        while cut > MAX_LINE_BYTES - 3 and line[cut] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8
            cut -= 1
        pieces.append(line[:cut])
        line = line[cut:]
    return [*pieces, line]


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        # Whoever read our stdout has gone; the file has the lines.
        return
