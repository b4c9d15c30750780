"""Give the space of deleted rows back to the disk, while everything else goes on.

SQLite keeps the pages of deleted rows in the file for later use. A file whose `auto_vacuum` is
INCREMENTAL hands them over in steps, each a short write transaction; the templates make such files.
Any other file has to be written anew once, by VACUUM, during which writers wait: up to the 60 s
that Prefect lets them (`busy_timeout`, read in 3.8.8), so only where that is surely enough.
(SQLite documentation, `PRAGMA auto_vacuum`, `PRAGMA incremental_vacuum`, "VACUUM".)
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from appliance.errors import WorldError

INCREMENTAL = 2
PATIENCE_SECONDS = 60.0
# Below it the pages are of more use in the file: the next rows take them.
WORTH_BYTES = 4 * 2**20
STEP_PAGES = 500
# Between two steps, in which others write.
BREATH_SECONDS = 0.02
# What VACUUM copies within seconds on a slow disk, too.
QUICK_BYTES = 64 * 2**20
BEARABLE_BYTES = 512 * 2**20
WORTH_REWRITING = 0.25

Breathe = Callable[[], None]


@dataclass(frozen=True)
class State:
    """What a file is made of.

    Attributes:
        page_bytes: Bytes in a page.
        pages: How many there are.
        free_pages: How many of them hold nothing.
        incremental: Whether free pages can be handed over in steps.
    """

    page_bytes: int
    pages: int
    free_pages: int
    incremental: bool

    @property
    def bytes(self) -> int:
        """The file's size."""
        return self.pages * self.page_bytes

    @property
    def free_bytes(self) -> int:
        """How much of it holds nothing."""
        return self.free_pages * self.page_bytes


class Way(Enum):
    """What is done about a file."""

    NOTHING = "nothing"
    STEPS = "steps"
    REWRITE = "rewrite"
    TOO_LARGE = "too large"


def way(state: State) -> Way:
    """Decide what to do about a file that is in use."""
    live = state.bytes - state.free_bytes
    if state.incremental:
        return Way.STEPS if state.free_bytes >= WORTH_BYTES else Way.NOTHING
    if live <= QUICK_BYTES:
        return Way.REWRITE
    if state.free_bytes < max(WORTH_BYTES, WORTH_REWRITING * state.bytes):
        return Way.NOTHING
    return Way.REWRITE if live <= BEARABLE_BYTES else Way.TOO_LARGE


def shrink(file: Path, breathe: Breathe = lambda: time.sleep(BREATH_SECONDS)) -> str:
    """Shrink the file if there is anything to gain; return in a line what was done.

    Args:
        file: A SQLite database in WAL mode, which others may be using.
        breathe: Called between two steps.

    Raises:
        WorldError: It cannot be done; the database is as it was.
    """
    try:
        with closing(
            sqlite3.connect(file, timeout=PATIENCE_SECONDS, isolation_level=None)
        ) as connection:
            before = state_of(connection)
            chosen = way(before)
            if chosen is Way.STEPS:
                _in_steps(connection, breathe)
            elif chosen is Way.REWRITE:
                _rewrite(connection, file, before)
            # A reader may keep part of the log; it goes with the next checkpoint.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            after = state_of(connection)
    except sqlite3.Error as error:
        raise WorldError(f"the database cannot be shrunk: {error}", where=str(file)) from None
    if chosen is Way.TOO_LARGE:
        return (
            f"{_mib(before.free_bytes)} of {_mib(before.bytes)} are free, and could be given "
            "back only while nobody writes: stop Zoe and run VACUUM, or promote to Postgres"
        )
    if chosen is Way.NOTHING or after.bytes >= before.bytes:
        return f"nothing to gain: {_mib(after.free_bytes)} of {_mib(after.bytes)} are free"
    return f"from {_mib(before.bytes)} to {_mib(after.bytes)}"


def state_of(connection: sqlite3.Connection) -> State:
    """Return what a database is made of."""

    def pragma(name: str) -> int:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

    return State(
        pragma("page_size"),
        pragma("page_count"),
        pragma("freelist_count"),
        pragma("auto_vacuum") == INCREMENTAL,
    )


def make_incremental(connection: sqlite3.Connection) -> None:
    """Write the file anew, so that from then on it can be shrunk in steps."""
    connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
    connection.execute("VACUUM")


def _in_steps(connection: sqlite3.Connection, breathe: Breathe) -> None:
    """Hand over all free pages; rows that are deleted meanwhile wait for the next time."""
    left = state_of(connection).free_pages
    while left > 0:
        # The pragma frees one page for each time it is stepped, and yields rows without columns,
        # which `execute` takes for its end; only `executescript` goes on.
        connection.executescript(f"PRAGMA incremental_vacuum({STEP_PAGES})")
        left -= STEP_PAGES
        breathe()


def _rewrite(connection: sqlite3.Connection, file: Path, state: State) -> None:
    """Write the file anew; SQLite needs up to twice its size meanwhile (documentation, VACUUM)."""
    needed = 2 * state.bytes
    free = shutil.disk_usage(file.parent).free
    if free < needed:
        raise WorldError(
            f"the database cannot be shrunk: that takes {_mib(needed)} for a moment, and "
            f"{_mib(free)} are free",
            where=str(file),
            remedy="make room",
        )
    make_incremental(connection)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"
