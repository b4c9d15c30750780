"""What an archive is called; its time and label are read from its name alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

TIME_FORMAT = "%Y%m%dT%H%M%SZ"
PATTERN = re.compile(r"zoe-(\d{8}T\d{6}Z)(?:-([a-z]+(?:-[a-z]+)*))?\.tar\.gz(\.enc)?")


@dataclass(frozen=True, order=True)
class ArchiveName:
    """The parts of an archive's name; names sort by time.

    Attributes:
        made_at: When it was begun, in UTC, to the second.
        label: Why it was made, such as `before-migration`; empty for those that are made on
            schedule or by hand.
        encrypted: Whether a passphrase is needed to read it.
    """

    made_at: datetime
    label: str = ""
    encrypted: bool = False

    def __str__(self) -> str:
        label = f"-{self.label}" if self.label else ""
        suffix = ".enc" if self.encrypted else ""
        return f"zoe-{self.made_at.strftime(TIME_FORMAT)}{label}.tar.gz{suffix}"


def parse(name: str) -> ArchiveName | None:
    """Return the parts of a file's name; None when it is not an archive of ours."""
    match = PATTERN.fullmatch(name)
    if not match:
        return None
    time, label, encrypted = match.groups()
    try:
        made_at = datetime.strptime(time, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return ArchiveName(made_at, label or "", bool(encrypted))
