"""A copy of an SQLite database in use, as of one moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from appliance.errors import WorldError

# As Prefect's own server waits for a lock (its setting `database.timeout` is 10 s as well).
LOCK_SECONDS = 10.0


def copy(database: Path, target: Path) -> None:
    """Copy a database by SQLite's backup API, and check the copy.

    All pages at once: in WAL mode a reader holds up nobody, while a copy in steps begins anew with
    every write of another process (SQLite, "Online Backup API"). The copy is one file without
    a WAL beside it.

    Raises:
        WorldError: There is no such database, it is damaged, or there is no space for the copy.
    """
    try:
        with (
            closing(_open(database)) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copied,
        ):
            # Nobody needs a half copy.
            copied.execute("PRAGMA synchronous = OFF")
            source.backup(copied, pages=-1)
            copied.execute("PRAGMA journal_mode = DELETE")
            found = [row[0] for row in copied.execute("PRAGMA integrity_check(5)")]
    except sqlite3.Error as error:
        raise _in_words(database, str(error)) from None
    if found != ["ok"]:
        raise _in_words(database, f"it is damaged: {found[0]}")


def revision(database: Path) -> str | None:
    """Return the revision of the schema, as Alembic notes it; None where it notes none."""
    with closing(_open(database)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return str(row[0]) if row else None


def _open(database: Path) -> sqlite3.Connection:
    # For writing, so that the WAL that a death left is brought in; never made when missing.
    address = f"{database.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS, isolation_level=None)


def _in_words(database: Path, reason: str) -> WorldError:
    if "full" in reason:
        return WorldError("no space is left for the copy of the database", remedy="make room")
    return WorldError(
        f"the database {database} cannot be copied: {reason}",
        remedy="if it is damaged: zoe restore brings back the newest backup",
    )
