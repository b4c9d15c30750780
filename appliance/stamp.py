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
    stamp = read_json(layout.stamp)
    used_by = str(stamp.get("zoe", "0")) if stamp else "0"
    if _ordered(used_by) > _ordered(__version__):
        raise OperatorError(
            f"the data was last used by Zoe {used_by}, and this is Zoe {__version__}",
            where=str(layout.stamp),
            remedy=f"start Zoe {used_by} or newer, or restore a backup made by {__version__}",
        )


def write(layout: Layout) -> None:
    """Note that this version uses the directory."""
    write_atomically(layout.stamp, json.dumps({"zoe": __version__}) + "\n", durable=True)


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
