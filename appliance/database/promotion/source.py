"""The SQLite file that is promoted: looked over once, then read table by table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from appliance.database import revisions
from appliance.database.content import NOT_CONTENT
from appliance.database.promotion.plan import Table
from appliance.errors import OperatorError, WorldError
from appliance.settings import DatabaseEngine

BATCH_ROWS = 500

Checkpoint = Callable[[], None]


class Source:
    """An open SQLite database, which only we use.

    Args:
        connection: To it.
        checkpoint: Called before each batch of rows; it may raise.
    """

    def __init__(self, connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
        self._connection = connection
        self.checkpoint = checkpoint

    def tables(self) -> dict[str, list[str]]:
        """Return the columns of every table with content."""
        names = self._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> ?",
            (NOT_CONTENT,),
        ).fetchall()
        return {name: self._columns(name) for (name,) in names}

    def _columns(self, table: str) -> list[str]:
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return [name for (name,) in rows]

    def count(self, table: Table) -> int:
        """Return the number of a table's rows."""
        query = f"SELECT count(*) FROM {quoted(table.name)}"  # noqa: S608 - a quoted identifier
        return int(self._connection.execute(query).fetchone()[0])

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """Yield every row in Postgres' terms, in the order of the primary key.

        Raises:
            WorldError: A value has no counterpart in Postgres.
        """
        columns = ", ".join(quoted(column.name) for column in table.columns)
        key = ", ".join(quoted(column.name) for column in table.key)
        query = f"SELECT {columns} FROM {quoted(table.name)} ORDER BY {key}"  # noqa: S608 - quoted identifiers
        with closing(self._connection.execute(query)) as cursor:
            while batch := cursor.fetchmany(BATCH_ROWS):
                self.checkpoint()
                for row in batch:
                    yield converted(table, row)


def converted(table: Table, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row in Postgres' terms.

    Raises:
        WorldError: A value has no counterpart there.
    """
    result = []
    for column, stored in zip(table.columns, row, strict=True):
        try:
            result.append(column.value(stored))
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise WorldError(
                f"a value of {table.name}.{column.name} cannot become a {column.type}: {error}",
                where=f"row {row[0]}",
                remedy="delete that row in SQLite, or report this",
            ) from None
    return tuple(result)


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def opened(path: Path, checkpoint: Checkpoint = lambda: None) -> Iterator[Source]:
    """Open the file, and look it over.

    Args:
        path: The file.
        checkpoint: Called before each batch of rows; it may raise.

    Raises:
        OperatorError: There is nothing to promote, or its schema is not the installed Prefect's.
        WorldError: It is damaged.
    """
    if not path.exists():
        raise OperatorError(
            "there is no SQLite database to promote", where=str(path), remedy="see ZOE_DATA_DIR"
        )
    try:
        # Not read-only: what a kill left in the write-ahead log is taken in first.
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise WorldError(f"{path} is damaged: {verdict}", remedy="restore a backup first")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA query_only = ON")
            check_revision(connection, path)
            connection.execute("BEGIN")
            yield Source(connection, checkpoint)
            connection.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        raise WorldError(
            f"{path} cannot be read: {error}", remedy="restore a backup first"
        ) from None


def check_revision(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a schema that is not the newest of the installed Prefect.

    Raises:
        OperatorError: It is older or newer, or none.
    """
    there = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'"
    ).fetchone()[0]
    found = connection.execute("SELECT version_num FROM alembic_version") if there else []
    standing = revisions.standing(
        {name for (name,) in found}, revisions.known(DatabaseEngine.SQLITE)
    )
    if standing is not revisions.Standing.CURRENT:
        raise OperatorError(
            f"the SQLite database does not have the schema of Prefect "
            f"{revisions.prefect_version()} (it is {standing.value})",
            where=str(path),
            remedy="start this Zoe once with ZOE_DATABASE=sqlite, which migrates it, then promote",
        )
