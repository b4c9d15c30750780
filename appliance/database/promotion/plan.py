"""What is to be copied, decided before anything is touched: both schemas must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.database.promotion import values
from appliance.errors import WorldError


@dataclass(frozen=True)
class TargetColumn:
    """A column of the Postgres database, as its catalogue describes it.

    Attributes:
        table: Its table.
        name: Its name.
        type: As `format_type` names it.
        is_enum: Whether the type is an enumeration.
        in_key: Whether it belongs to the primary key.
    """

    table: str
    name: str
    type: str
    is_enum: bool
    in_key: bool


@dataclass(frozen=True)
class Column:
    """A column that is copied."""

    name: str
    type: str
    convert: values.Convert

    def value(self, stored: Any) -> Any:
        """Return SQLite's value in Postgres' terms."""
        return None if stored is None else self.convert(stored)

    def comparable(self, value: Any) -> Any:
        """Return a value in Postgres' terms in a form that is equal where the meaning is."""
        if value is not None and self.type in {"json", "jsonb"}:
            return values.comparable_json(value)
        return value


@dataclass(frozen=True)
class Table:
    """A table that is copied, and the columns that order its rows alike on both sides."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]


def make(source: Mapping[str, Sequence[str]], target: Sequence[TargetColumn]) -> tuple[Table, ...]:
    """Plan the copy of every table of the source.

    Args:
        source: The columns of each SQLite table.
        target: Every column of the Postgres database.

    Raises:
        WorldError: The schemas differ, or a type is new to us; then nothing may be copied.
    """
    tables: dict[str, list[TargetColumn]] = {}
    for column in target:
        tables.setdefault(column.table, []).append(column)
    theirs = {name: {column.name for column in columns} for name, columns in tables.items()}
    ours = {name: set(columns) for name, columns in source.items()}
    if ours != theirs:
        names = sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name))
        raise WorldError(
            "SQLite and Postgres have different schemas, so that not everything could be copied",
            where=f"tables {', '.join(names)}",
            remedy="use the Zoe that last ran on this data",
        )
    return tuple(_table(name, tables[name]) for name in sorted(tables))


def _table(name: str, columns: Sequence[TargetColumn]) -> Table:
    copied = {column.name: _column(column) for column in columns}
    key = tuple(copied[column.name] for column in columns if column.in_key)
    if not key:
        raise WorldError(f"the table {name} has no primary key, and so cannot be compared")
    return Table(name, tuple(copied.values()), key)


def _column(column: TargetColumn) -> Column:
    convert = values.converter(column.type, is_enum=column.is_enum)
    if convert is None:
        raise WorldError(
            f"no way is known to copy values of the type {column.type}",
            where=f"{column.table}.{column.name}",
        )
    return Column(column.name, column.type, convert)
