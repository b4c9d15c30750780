"""Where an archive becomes data again, and whether there is room for it.

In hidden directories (`appliance.backup.scratch`) on the data volume: only there a rename can put
their content in place.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance.backup.manifest import Manifest
from appliance.errors import WorldError

# How those directories' names begin.
RESTORE = ".restoring-"
DRILL = ".drill-"

MEGABYTE = 1024 * 1024
# A dump is text without indexes; a cluster begins with 40 MB and a log of 64 MB.
CLUSTER_PER_DUMP = 3
CLUSTER_BYTES = 128 * MEGABYTE
# Left to the running system: a log's and a WAL's worth, and the UI that a drill unpacks.
SPARE_BYTES = 64 * MEGABYTE


def check_space(directory: Path, manifest: Manifest, *, with_cluster: bool) -> None:
    """Refuse to unpack what would not fit.

    Args:
        directory: Where to.
        manifest: What the archive says of itself.
        with_cluster: Whether a Postgres cluster is made of its dump, there as well.

    Raises:
        WorldError: There is too little space.
    """
    wanted = space_needed(manifest, with_cluster=with_cluster)
    free = shutil.disk_usage(directory).free
    if free < wanted:
        raise WorldError(
            f"{directory} has {free // MEGABYTE} MB left, and the archive needs "
            f"{wanted // MEGABYTE} MB to be unpacked beside what is there",
            remedy="make room, or use a larger volume",
        )


def space_needed(manifest: Manifest, *, with_cluster: bool) -> int:
    """Return how many bytes it takes to unpack an archive, and to make a cluster of it."""
    unpacked = sum(entry.size for entry in manifest.files.values())
    cluster = 0
    if with_cluster:
        dumps = [file.size for name, file in manifest.files.items() if name.startswith("database/")]
        cluster = CLUSTER_PER_DUMP * sum(dumps) + CLUSTER_BYTES
    return unpacked + cluster + SPARE_BYTES
