"""Which archives have had their day."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.backup.names import ArchiveName


def superfluous(there: Sequence[ArchiveName], keep: int) -> list[ArchiveName]:
    """Return the archives to remove: all but the newest `keep` of those without a label.

    Those with a label were made before something that could go wrong; an operator removes them
    when it did not.

    Args:
        there: All archives.
        keep: At least 1, so that the newest always stays.
    """
    ordinary = sorted((name for name in there if not name.label), reverse=True)
    return ordinary[max(keep, 1) :]
