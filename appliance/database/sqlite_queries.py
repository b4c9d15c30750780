"""SQLite statements for a server whose clients tell it the same thing twice."""

from __future__ import annotations

from typing import Any, Self

import sqlalchemy as sa
from prefect.server.database import orm_models
from prefect.server.database.dependencies import MODELS_DEPENDENCIES
from prefect.server.database.query_components import AioSqliteQueryComponents
from sqlalchemy.dialects import sqlite


class InsertOfAny(sqlite.Insert):
    """An INSERT that takes an empty list of rows for what it is: nothing to insert."""

    # As in SQLAlchemy's own: a conflict clause is no part of what statements are cached by.
    inherit_cache = False

    def values(self, *arguments: Any, **columns: Any) -> Self:
        """Return the statement with these rows; without any, one that inserts none."""
        if arguments == ([],) and not columns:
            key = list(self.table.primary_key)
            nothing: sa.Select[Any] = sa.select(*key).where(sa.false())
            return self.from_select(key, nothing, include_defaults=False)
        return super().values(*arguments, **columns)


class RepeatableQueries(AioSqliteQueryComponents):
    """Prefect's queries for SQLite, which survive events that are there already.

    A client that did not see its events acknowledged, as when the server stopped, sends them
    again. Prefect 3.8 leaves out those that it has, and inserts the rest; where nothing is left,
    SQLAlchemy makes of an empty list one row of defaults, the database refuses that, and after
    five tries the server drops all events that wait to be written, the new ones among them.
    (`_write_sqlite_events` in prefect.server.events.storage.database; on Postgres a conflict is
    ignored by the database.)
    """

    def insert(self, obj: type[orm_models.Base]) -> sqlite.Insert:
        """Return an INSERT into a table."""
        return InsertOfAny(obj)


def inject() -> None:
    """Make the Prefect server of this process use them, before it opens its database."""
    MODELS_DEPENDENCIES["query_components"] = RepeatableQueries()
