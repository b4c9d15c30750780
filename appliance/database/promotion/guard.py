"""Refusals to start on a database that is not the one with the data."""

from __future__ import annotations

import asyncio
import os

from appliance.database.promotion import external, note, use
from appliance.errors import OperatorError, ZoeError
from appliance.layout import Layout
from appliance.settings import DatabaseEngine, Settings


def check(settings: Settings, layout: Layout) -> None:
    """Refuse a start that would begin with an empty database although there is data.

    Raises:
        OperatorError: The data is elsewhere than where the settings say.
    """
    if settings.engine is DatabaseEngine.SQLITE:
        _sqlite(layout)
    elif settings.engine is DatabaseEngine.EMBEDDED_POSTGRES:
        _embedded(layout)
    else:
        _external(settings.database.get_secret_value(), layout)


def _sqlite(layout: Layout) -> None:
    promoted = note.read(layout)
    if promoted is None:
        # What a cluster holds cannot be seen before it is served, so its being there must do.
        # `os.path` takes what it may not look at for absent; `pathlib` raises.
        there = os.path.isdir(layout.postgres_data)  # noqa: PTH112
        if there and not use.of_sqlite(layout.sqlite_file):
            raise OperatorError(
                f"there is data in the embedded Postgres ({layout.postgres_data}) that SQLite "
                "would begin without",
                where="ZOE_DATABASE is sqlite",
                remedy="set ZOE_DATABASE=postgres, or, if it is not wanted, move that directory "
                "away",
            )
        return
    # An operator who puts the old file back means it.
    if promoted.done and layout.sqlite_file.exists():
        return
    raise OperatorError(
        f"the data was promoted from SQLite to {promoted.to} ({promoted.at})",
        where="ZOE_DATABASE is sqlite",
        remedy=f"set ZOE_DATABASE to {_value(promoted)}; or, to go back to the data as it was "
        f"then, rename {promoted.kept} in {layout.sqlite_file.parent} to {layout.sqlite_file.name}",
    )


def _embedded(layout: Layout) -> None:
    if layout.postgres_data.exists():
        return
    promoted = note.read(layout)
    if promoted is not None and promoted.to != note.EMBEDDED and not layout.sqlite_file.exists():
        raise OperatorError(
            f"the data was promoted from SQLite to {promoted.to} ({promoted.at}), and the "
            "embedded database would begin empty",
            where="ZOE_DATABASE is postgres",
            remedy=f"set ZOE_DATABASE to {_value(promoted)}, or use another data directory",
        )
    if use.of_sqlite(layout.sqlite_file):
        raise _unpromoted(layout, "ZOE_DATABASE is postgres", "zoe promote --to postgres")


def _external(url: str, layout: Layout) -> None:
    if not use.of_sqlite(layout.sqlite_file):
        return
    try:
        has_data = asyncio.run(external.holds_prefect(url))
    except (ZoeError, ValueError):
        return  # Others look into it after us and have the words for that.
    if not has_data:
        raise _unpromoted(layout, "ZOE_DATABASE names an empty database", "zoe promote --to URL")


def _unpromoted(layout: Layout, where: str, command: str) -> OperatorError:
    return OperatorError(
        f"there is data in SQLite ({layout.sqlite_file}) that Postgres would begin without",
        where=where,
        remedy=f"move it with {command}, keep ZOE_DATABASE=sqlite, or, if it is not wanted, move "
        "that file away",
    )


def _value(promoted: note.Note) -> str:
    return note.EMBEDDED if promoted.to == note.EMBEDDED else "that database's URL"
