"""The database as of one moment, whichever engine holds it and whether or not Zoe runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance import exclusive
from appliance.backup import postgres_snapshot, sqlite_snapshot
from appliance.backup.postgres_snapshot import Address
from appliance.database import cluster, postgres
from appliance.database.content import row_counts_sqlite
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout, Runtime
from appliance.settings import Component, DatabaseEngine, Settings

SQLITE, POSTGRES = "sqlite", "postgres"
# Where the database lies in an archive.
SQLITE_MEMBER = Path("database/prefect.db")
POSTGRES_MEMBER = Path("database/prefect.dump")


@dataclass(frozen=True)
class Snapshot:
    """What was taken.

    Attributes:
        engine: `sqlite` or `postgres`, embedded or not.
        revision: The schema's, as Alembic notes it; None where it notes none.
        tables: The rows of each table.
    """

    engine: str
    revision: str | None
    tables: dict[str, int]


class Source(Protocol):
    """A database from which a snapshot can be taken now."""

    def size(self) -> int:
        """Return about how many bytes a snapshot will have."""

    def take(self, staged: Path) -> Snapshot:
        """Write a snapshot below a directory, at its place in the archive.

        Raises:
            WorldError: The database cannot be read, or there is no space.
        """


@contextlib.contextmanager
def source_of(settings: Settings, layout: Layout, *, locked: bool) -> Iterator[Source]:
    """Yield the database that the settings name, served by us where nobody serves it.

    Args:
        settings: They name it.
        layout: Where it lies.
        locked: Whether the caller holds the data directory's lock (`appliance.exclusive`).

    Raises:
        OperatorError: None is kept here, or there is none yet.
        WorldError: It cannot be served, or another Zoe is just about to.
    """
    if Component.SERVER not in settings.runs_here:
        raise OperatorError(
            "there is no database here to back up",
            where="ZOE_COMPONENTS runs no server",
            remedy="make backups on the machine that runs the server",
        )
    match settings.engine:
        case DatabaseEngine.SQLITE:
            _check_there(layout.sqlite_file, layout)
            yield _SqliteSource(layout.sqlite_file)
        case DatabaseEngine.EXTERNAL_POSTGRES:
            address = postgres_snapshot.external(settings.database.get_secret_value())
            yield _PostgresSource(address, settings)
        case DatabaseEngine.EMBEDDED_POSTGRES:
            _check_there(layout.postgres_data, layout)
            with _served(settings, layout, locked=locked) as socket_dir:
                yield _PostgresSource(postgres_snapshot.embedded(socket_dir), settings)


def _check_there(path: Path, layout: Layout) -> None:
    if not path.exists():
        raise OperatorError(
            f"there is no database in {layout.data} yet",
            where=f"looked for {path}",
            remedy="start Zoe once, or set ZOE_DATABASE to the one that is in use",
        )


@contextlib.contextmanager
def _served(settings: Settings, layout: Layout, *, locked: bool) -> Iterator[Path]:
    running = Runtime.from_environment().postgres_socket_dir
    if asyncio.run(postgres_snapshot.is_served(postgres_snapshot.embedded(running))):
        yield running
        return
    if not locked:
        _lock(layout)
    bin_dir = postgres.find_bin_dir(settings.postgres_bin_dir)
    with (
        cluster.short_socket_dir() as socket_dir,
        cluster.serving(bin_dir, layout.postgres_data, socket_dir),
    ):
        yield socket_dir


def _lock(layout: Layout) -> None:
    """Take the data directory: whoever has it should be serving the cluster, and is not."""
    try:
        exclusive.lock(layout)
    except OperatorError:
        raise WorldError(
            "the database does not answer, and the Zoe that it belongs to runs",
            where=str(layout.postgres_data),
            remedy="wait until that one is healthy (zoe health), or stop it",
        ) from None


@dataclass(frozen=True)
class _SqliteSource:
    database: Path

    def size(self) -> int:
        wal = self.database.with_name(self.database.name + "-wal")
        return sum(path.stat().st_size for path in (self.database, wal) if path.exists())

    def take(self, staged: Path) -> Snapshot:
        target = staged / SQLITE_MEMBER
        target.parent.mkdir()
        sqlite_snapshot.copy(self.database, target)
        return Snapshot(SQLITE, sqlite_snapshot.revision(target), row_counts_sqlite(target))


@dataclass(frozen=True)
class _PostgresSource:
    address: Address
    settings: Settings

    def size(self) -> int:
        return asyncio.run(postgres_snapshot.size(self.address))

    def take(self, staged: Path) -> Snapshot:
        pg_dump = postgres_snapshot.find_program(self.settings, "pg_dump")
        target = staged / POSTGRES_MEMBER
        target.parent.mkdir()
        dumped = asyncio.run(postgres_snapshot.dump(self.address, pg_dump, target))
        return Snapshot(POSTGRES, dumped.revision, dumped.tables)
