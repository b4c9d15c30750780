"""What a data directory remembers of a promotion, so that nobody starts on the wrong data.

The note is written before the last step and completed after it; in between, the files themselves
tell whether the promotion counts. A process may die at any instant.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from appliance.errors import WorldError
from appliance.files import read_json, write_atomically
from appliance.layout import Layout

EMBEDDED = "postgres"
COMPANIONS = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Note:
    """Where the data went.

    Attributes:
        to: `postgres`, or where the external database is, without user and password.
        at: When (UTC, ISO 8601).
        kept: The file name of the SQLite database as it was.
        done: Whether everything is in its place.
    """

    to: str
    at: str
    kept: str
    done: bool


def read(layout: Layout) -> Note | None:
    """Return the note of a promotion that counts; None when SQLite is in charge."""
    note = _read(layout)
    return note if note and (note.done or _counts(layout, note)) else None


def begin(layout: Layout, to: str) -> Note:
    """Note that the last step is about to be taken."""
    now = datetime.now(UTC).replace(microsecond=0)
    kept = f"{layout.sqlite_file.stem}-promoted-{now:%Y%m%dT%H%M%SZ}{layout.sqlite_file.suffix}"
    note = Note(to, now.isoformat(), kept, done=False)
    _write(layout, note)
    return note


def pending(layout: Layout) -> Note:
    """Return the note that `begin` wrote."""
    note = _read(layout)
    if note is None:
        raise WorldError(f"the note {layout.promoted} has vanished")
    return note


def finish(layout: Layout, note: Note) -> Path:
    """Set the SQLite database aside, and complete the note; return where the database is now."""
    kept = layout.sqlite_file.with_name(note.kept)
    # The main file comes last: as long as it is there, so is what belongs to it.
    for companion in reversed(COMPANIONS):
        file = Path(f"{layout.sqlite_file}{companion}")
        if file.exists():
            file.rename(f"{kept}{companion}")
    _write(layout, replace(note, done=True))
    return kept


def recover(layout: Layout) -> None:
    """Finish or forget what a promotion that was killed left; the data directory must be ours."""
    note = _read(layout)
    if note is None or note.done:
        return
    if _counts(layout, note):
        finish(layout, note)
    else:
        layout.promoted.unlink()


def _counts(layout: Layout, note: Note) -> bool:
    """Tell whether a promotion that was not completed got past its last step.

    The embedded cluster is not there before that step; the SQLite file is there until it is done.
    """
    return (note.to == EMBEDDED and layout.postgres_data.exists()) or (
        not layout.sqlite_file.exists() and layout.sqlite_file.with_name(note.kept).exists()
    )


def _read(layout: Layout) -> Note | None:
    content = read_json(layout.promoted)
    if content is None or content.keys() != Note.__dataclass_fields__.keys():
        return None
    return Note(**content)


def _write(layout: Layout, note: Note) -> None:
    write_atomically(layout.promoted, json.dumps(asdict(note)) + "\n", durable=True)
