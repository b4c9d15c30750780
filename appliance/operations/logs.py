"""`zoe logs`: the log stream again, of one program or of all, up to now or as it goes on."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.settings import Component, load
from appliance.supervisor.programs import CONDUCTOR
from appliance.supervisor.stream import KEPT_FILES, program_of

POLL_SECONDS = 0.2
# Those that can run, supervisord itself, and who conducts them.
PROGRAMS = (*(component.value for component in Component), CONDUCTOR, "zoe")


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    return logs(program=given.program, follow=given.follow, lines=given.lines)


def logs(*, program: str | None, follow: bool, lines: int) -> int:
    """Print the last lines and, if asked, whatever comes after them.

    Args:
        program: Only this program's lines; None for all.
        follow: Go on until Ctrl-C.
        lines: How many of the past lines.

    Raises:
        OperatorError: There is no log yet, or no such program.
    """
    if program is not None and program not in PROGRAMS:
        raise OperatorError(
            f"there is no program {program}", remedy=f"name one of {', '.join(PROGRAMS)}"
        )
    path = Layout(load().settings.data_dir).log_file
    if not path.exists():
        raise OperatorError(
            "there is no log yet", where=str(path), remedy="start Zoe first: zoe run"
        )
    current = path.open("rb")
    past = deque(_wanted(_past_lines(path, current.read()), program), maxlen=lines)
    sys.stdout.writelines(past)
    sys.stdout.flush()
    if not follow:
        current.close()
        return 0
    for line in _wanted(coming_lines(path, current), program):
        sys.stdout.write(line)
        sys.stdout.flush()
    return 0


def _past_lines(path: Path, current: bytes) -> Iterator[str]:
    for number in range(KEPT_FILES, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            yield from _lines(older.read_bytes())
    yield from _lines(current)


def _lines(data: bytes) -> Iterator[str]:
    # A line of ours ends with a line feed alone; `splitlines` would cut at a progress bar's
    # carriage returns as well.
    return (line.decode("utf-8", "replace") for line in io.BytesIO(data))


def _wanted(lines: Iterator[str], program: str | None) -> Iterator[str]:
    return (line for line in lines if program is None or program_of(line) == program)


def coming_lines(path: Path, file: BinaryIO) -> Generator[str, None, None]:
    """Yield lines as they are appended to an open file, and to those that take its place.

    Args:
        path: Where the log is written.
        file: What is there now, at the place to go on from; it is closed in the end.
    """
    pending = b""
    try:
        while True:
            # Looked at before the last read, so that nothing can be appended between the two.
            replaced = _is_replaced(path, file)
            chunk = file.read()
            if chunk:
                *whole, pending = (pending + chunk).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8", "replace") + "\n"
            elif replaced:
                file.close()
                file = path.open("rb")
            else:
                time.sleep(POLL_SECONDS)
    finally:
        file.close()


def _is_replaced(path: Path, file: BinaryIO) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        # Renamed, and its successor has no line yet.
        return False
    return not os.path.samestat(there, os.fstat(file.fileno()))
