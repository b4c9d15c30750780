"""From the files of an archive to a data directory that a Zoe can start on.

An archive's files lie in it as in a data directory. So unpacked they are one, but for the database
of a Postgres, which is a dump, and for what must not simply come back: settings, and flow runs
that have no process any more.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from appliance.backup import dump, unsettled
from appliance.backup.manifest import Manifest
from appliance.backup.postgres_snapshot import embedded
from appliance.database import cluster, content, templates
from appliance.errors import WorldError
from appliance.files import make_private_dir
from appliance.layout import Layout
from appliance.settings import DatabaseEngine

SETTINGS = "settings"
RESTORED_SETTINGS = "restored-settings"


def complete(fresh: Layout, manifest: Manifest, bin_dir: Path | None) -> None:
    """Make a data directory of an unpacked archive.

    Args:
        fresh: Where it was unpacked.
        manifest: What it says of itself.
        bin_dir: Where PostgreSQL's programs are, if a cluster shall be made of its dump; None where
            it holds SQLite, or where the dump is for another server.

    Raises:
        WorldError: What came out is not what the manifest says.
    """
    archived_settings = fresh.data / SETTINGS
    if archived_settings.exists():
        # Nothing reads them there: they are for a person to look at.
        archived_settings.rename(fresh.data / RESTORED_SETTINGS)
    # An operator's word to empty blocks was meant for what was there then.
    fresh.empty_blocks.unlink(missing_ok=True)
    if manifest.engine == DatabaseEngine.SQLITE:
        _check_sqlite(fresh, manifest)
    elif bin_dir:
        _make_cluster(fresh, manifest, bin_dir)


def replaced(layout: Layout, engine: DatabaseEngine) -> list[Path]:
    """Return which entries of a data directory a restore exchanges, whether or not they are there.

    Prefect's home goes with the database: it remembers which blocks that one knows. A cluster that
    lies beside a restored SQLite file is older than that and must not be started by mistake; an
    SQLite file beside a restored cluster may hold the note that its content moved there.
    """
    return [
        *([layout.sqlite_file.parent] if engine is DatabaseEngine.SQLITE else []),
        *([layout.postgres_data] if engine is not DatabaseEngine.EXTERNAL_POSTGRES else []),
        layout.secrets_dir,
        layout.results,
        layout.prefect_home,
        layout.ledger,
        layout.stamp,
        # A migration that did not come to its end was one of the database that goes.
        layout.migration,
        layout.data / RESTORED_SETTINGS,
    ]


def replacements(layout: Layout, fresh: Layout, engine: DatabaseEngine) -> dict[Path, Path | None]:
    """Return what of a completed data directory comes in the place of which entry."""
    entries = {
        place: fresh.data / place.relative_to(layout.data) for place in replaced(layout, engine)
    }
    return {place: entry if entry.exists() else None for place, entry in entries.items()}


def _check_sqlite(fresh: Layout, manifest: Manifest) -> None:
    try:
        with closing(sqlite3.connect(fresh.sqlite_file)) as connection:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        found = content.row_counts_sqlite(fresh.sqlite_file)
        runs = unsettled.in_sqlite(fresh.sqlite_file) if "flow_run" in found else []
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise WorldError(f"the archive's database is damaged: {verdict}", remedy="use another one")
    compare(manifest.tables, found)
    unsettled.note(fresh, runs)


def _make_cluster(fresh: Layout, manifest: Manifest, bin_dir: Path) -> None:
    make_private_dir(fresh.postgres_data)
    templates.make_cluster(bin_dir, fresh.postgres_data)
    file = fresh.data / dump.PLACE
    with (
        cluster.short_socket_dir() as socket_dir,
        cluster.serving(bin_dir, fresh.postgres_data, socket_dir),
    ):
        dump.load(bin_dir / "pg_restore", file, embedded(socket_dir))
        asyncio.run(_look(fresh, manifest, socket_dir))
    file.unlink()
    file.parent.rmdir()


async def _look(fresh: Layout, manifest: Manifest, socket_dir: Path) -> None:
    async with cluster.connect(socket_dir) as connection:
        found = await content.row_counts_postgres(connection)
        compare(manifest.tables, found)
        unsettled.note(fresh, await unsettled.in_postgres(connection) if found else [])


def compare(promised: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Refuse a database that holds other rows than its manifest says.

    Raises:
        WorldError: The first table that differs is named.
    """
    for table in sorted(promised.keys() | found.keys()):
        if promised.get(table) != found.get(table):
            raise WorldError(
                f"the restored database holds {_rows(found.get(table))} in table {table}, and the "
                f"archive's manifest says {_rows(promised.get(table))}",
                remedy="use another archive",
            )


def _rows(count: int | None) -> str:
    return "nothing" if count is None else f"{count} rows"
