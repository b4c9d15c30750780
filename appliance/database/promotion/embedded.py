"""Promotion to the embedded Postgres: a new cluster, in its place at the very end."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from appliance.backup.scratch import remove_leftovers, scratch
from appliance.database import cluster, templates
from appliance.database.promotion import copying, note
from appliance.database.promotion.copying import Say
from appliance.database.promotion.source import Source
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout, templates_dir

SCRATCH_PREFIX = ".postgres.promotion."
# An empty cluster with its write-ahead log; rows take about as much again as in SQLite, and the
# log of the copy likewise.
EMPTY_CLUSTER_BYTES = 150 * 2**20
BYTES_PER_SQLITE_BYTE = 3


def check(layout: Layout) -> None:
    """Refuse to promote where there is a cluster already, or no room for one.

    Raises:
        OperatorError: There is one.
        WorldError: The disk is too full.
    """
    if layout.postgres_data.exists():
        raise OperatorError(
            "there is an embedded Postgres database already",
            where=str(layout.postgres_data),
            remedy="use it with ZOE_DATABASE=postgres; or, if it is not wanted, move that "
            "directory away and promote again",
        )
    size = layout.sqlite_file.stat().st_size
    needed = EMPTY_CLUSTER_BYTES + BYTES_PER_SQLITE_BYTE * size
    free = shutil.disk_usage(layout.data).free
    if free < needed:
        raise WorldError(
            f"{free // 2**20} MB are free, and promotion may take {needed // 2**20} MB",
            where=str(layout.data),
            remedy="make room, or promote to a server of your own",
        )


def fill(layout: Layout, bin_dir: Path, source: Source, say: Say) -> dict[str, int]:
    """Make the cluster, fill it, and put it in its place; return the number of rows by table.

    Raises:
        WorldError: Something failed; nothing of the cluster is left.
    """
    with scratch(layout.data, SCRATCH_PREFIX) as directory:
        data = directory / layout.postgres_data.name
        say("making a Postgres cluster")
        templates.install_postgres(templates_dir(), data, bin_dir)
        with (
            cluster.short_socket_dir() as socket_dir,
            cluster.serving(bin_dir, data, socket_dir, log=directory / "log"),
        ):
            templates.migrate(cluster.connection_url(socket_dir), str(directory))
            rows = asyncio.run(_fill(socket_dir, source, say))
        source.checkpoint()
        # Files that were unpacked and never touched since may still be in memory alone.
        os.sync()
        note.begin(layout, note.EMBEDDED)
        data.rename(layout.postgres_data)
        os.sync()
    return rows


def recover(layout: Layout) -> None:
    """Finish or forget a promotion that was killed; the data directory must be ours."""
    note.recover(layout)
    remove_leftovers(layout.data, SCRATCH_PREFIX)


async def _fill(socket_dir: Path, source: Source, say: Say) -> dict[str, int]:
    async with cluster.connect(socket_dir) as connection:
        rows = await copying.fill(connection, source, say)
        await connection.execute("ANALYZE")
        return rows
