"""What an archive says of itself: who made it, of what, and the checksum of every file in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

FORMAT = 1


@dataclass(frozen=True)
class FileEntry:
    """One file of an archive.

    Attributes:
        sha256: Of its content, in hexadecimal.
        size: In bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The archive's first member.

    Attributes:
        zoe: The version that last used the data; a newer one may have made the archive.
        prefect: The version of Prefect that made it.
        made_at: When it was begun, in UTC.
        engine: `sqlite` or `postgres`: in which form the database is in it.
        revision: The database's schema, as Alembic names it; None where there is none yet.
        tables: How many rows each table has, from the same snapshot as the database.
        files: Every other member by its name.
        format: The form of the archive; a newer Zoe may write another.
    """

    zoe: str
    prefect: str
    made_at: datetime
    engine: str
    revision: str | None
    tables: Mapping[str, int]
    files: Mapping[str, FileEntry]
    format: int = FORMAT

    def to_json(self) -> str:
        """Return it as it stands in the archive."""
        return json.dumps({**asdict(self), "made_at": self.made_at.isoformat()}, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read it back.

        Raises:
            ValueError: It is not a manifest, or of a form that this version does not know.
        """
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind for all faults
        if value.get("format") != FORMAT:
            raise ValueError(
                f"its format is {value.get('format')!r}, and this Zoe reads {FORMAT} only"
            )
        try:
            return _from_object(value)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"something is missing or wrong in it: {error}") from None


def _from_object(value: dict[str, Any]) -> Manifest:
    return Manifest(
        zoe=str(value["zoe"]),
        prefect=str(value["prefect"]),
        made_at=datetime.fromisoformat(value["made_at"]),
        engine=str(value["engine"]),
        revision=value["revision"],
        tables={str(name): int(rows) for name, rows in value["tables"].items()},
        files={
            str(name): FileEntry(str(entry["sha256"]), int(entry["size"]))
            for name, entry in value["files"].items()
        },
    )
