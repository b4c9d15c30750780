"""The version that last used a data directory, so that an older Zoe leaves newer data alone."""

from __future__ import annotations

import json

from appliance import __version__
from appliance.errors import OperatorError
from appliance.files import read_json, write_atomically
from appliance.layout import Layout


def check(layout: Layout) -> None:
    """Refuse a data directory that a newer Zoe has used.

    Raises:
        OperatorError: The directory's version is newer than ours.
    """
    used_by = read(layout) or "0"
    if ordered(used_by) > ordered(__version__):
        raise OperatorError(
            f"the data was last used by Zoe {used_by}, and this is Zoe {__version__}",
            where=str(layout.stamp),
            remedy=f"start Zoe {used_by} or newer, or restore a backup of what {__version__} used",
        )


def read(layout: Layout) -> str | None:
    """Return the version that last used the directory; None where that is not known."""
    stamp = read_json(layout.stamp)
    return str(stamp["zoe"]) if stamp and stamp.get("zoe") else None


def write(layout: Layout) -> None:
    """Note that this version uses the directory.

    Where a server runs, it does so when the database is migrated: until then an older Zoe can
    still use all that is there, and a backup is one of what that one has left.
    """
    # A disk that is full must not stop what has nothing new to say.
    if read(layout) != __version__:
        write_atomically(layout.stamp, json.dumps({"zoe": __version__}) + "\n", durable=True)


def ordered(version: str) -> tuple[int, ...]:
    """Return a version as something that sorts by age."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())
