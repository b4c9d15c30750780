"""The SQLite file: whether it can be read and holds together, and which schema it has."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.schema import judge as judge_schema
from appliance.doctor.words import duration, size
from appliance.settings import DatabaseEngine

CHECK = "database"
# A larger file than can be read in that time is looked at in part.
PATIENCE_SECONDS = 15.0
BUSY_SECONDS = 5.0
# How many of SQLite's steps lie between two looks at the time.
STEPS = 100_000
REMEDY = "stop Zoe, keep a copy of the file, and restore a backup: zoe restore"


def look(file: Path, patience: float = PATIENCE_SECONDS) -> Iterator[Finding]:
    """Check every page and cell of the file, for a limited time and without writing.

    Args:
        file: The database.
        patience: Seconds.
    """
    until = time.monotonic() + patience
    try:
        with closing(connected(file)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            answers = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            yield well(
                CHECK,
                f"{file.name} ({size(file.stat().st_size)}) is sound as far as it could be read in "
                f"{duration(patience)}",
            )
        else:
            yield problem(CHECK, f"{file} cannot be read: {error}", "see its disk and its owner")
    except sqlite3.DatabaseError as error:
        yield problem(CHECK, f"{file} is damaged: {error}", REMEDY)
    else:
        if answers == ["ok"]:
            yield well(CHECK, f"{file.name} ({size(file.stat().st_size)}) is sound")
        else:
            yield problem(CHECK, f"{file} is damaged: {'; '.join(answers)}", REMEDY)


def schema(file: Path) -> Iterator[Finding]:
    """Judge the schema, where the file can be read at all."""
    try:
        yield judge_schema(DatabaseEngine.SQLITE, revision(file))
    except sqlite3.DatabaseError:
        # `look` has said so.
        return


def revision(file: Path) -> str | None:
    """Return the schema's revision; None where the file has none.

    Raises:
        sqlite3.DatabaseError: It cannot be read.
    """
    with closing(connected(file)) as connection:
        table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.execute(table).fetchone() is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def connected(file: Path) -> sqlite3.Connection:
    """Open the file for reading only."""
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
