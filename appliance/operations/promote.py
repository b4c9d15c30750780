"""`zoe promote`: move the data from SQLite to Postgres, while Zoe is stopped."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile

from pydantic import SecretStr, ValidationError

from appliance import exclusive, preflight, stamp
from appliance.database import postgres, reachability, templates
from appliance.database.promotion import embedded, external, note
from appliance.database.promotion.source import Source, opened
from appliance.database.promotion.stopping import stoppable
from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.layout import Layout
from appliance.prefect_environment import database_url
from appliance.settings import DatabaseEngine, Settings, load


def carry_out(given: argparse.Namespace) -> int:
    """Promote to `given.to`; without it, to what ZOE_DATABASE names.

    Raises:
        OperatorError: It cannot be done like this; nothing was changed.
        WorldError: It failed; SQLite is still in charge.
    """
    settings = load().settings
    layout = Layout(settings.data_dir)
    target = settings_of_target(given.to, settings)
    check(layout)
    os.umask(0o077)
    exclusive.lock(layout)
    embedded.recover(layout)
    check(layout)
    with stoppable() as checkpoint, opened(layout.sqlite_file, checkpoint) as source:
        rows = _fill(target, layout, source)
    _conclude(target, layout, rows)
    return 0


def settings_of_target(to: str | None, settings: Settings) -> Settings:
    """Return the settings as they will be.

    Raises:
        OperatorError: That is no Postgres.
    """
    if to is None:
        if settings.engine is DatabaseEngine.SQLITE:
            raise _no_target("--to is not given, and ZOE_DATABASE is sqlite")
        return settings
    try:
        target = Settings.model_validate({**settings.model_dump(), "database": SecretStr(to)})
    except ValidationError:
        raise _no_target("--to") from None
    if target.engine is DatabaseEngine.SQLITE:
        raise _no_target("--to")
    return target


def _no_target(where: str) -> OperatorError:
    return OperatorError(
        "it must be said where to promote to",
        where=where,
        remedy="use postgres, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    )


def check(layout: Layout) -> None:
    """Refuse what can be known to be wrong before anything is touched.

    Raises:
        OperatorError: It is.
    """
    preflight.data_directory(layout)
    stamp.check(layout)
    promoted = note.read(layout)
    if promoted and not layout.sqlite_file.exists():
        raise OperatorError(
            f"the data was promoted to {promoted.to} already ({promoted.at})",
            where=str(layout.promoted),
            remedy="set ZOE_DATABASE to that and start Zoe",
        )
    if not layout.sqlite_file.exists():
        raise OperatorError(
            "there is no SQLite database to promote",
            where=str(layout.sqlite_file),
            remedy="name the data directory or volume with ZOE_DATA_DIR",
        )


def _fill(target: Settings, layout: Layout, source: Source) -> dict[str, int]:
    if target.engine is DatabaseEngine.EMBEDDED_POSTGRES:
        embedded.check(layout)
        bin_dir = postgres.find_bin_dir(target.postgres_bin_dir)
        return embedded.fill(layout, bin_dir, source, _say)
    return _fill_external(target, layout, source)


def _fill_external(target: Settings, layout: Layout, source: Source) -> dict[str, int]:
    url = target.database.get_secret_value()
    reachability.check(url)
    if asyncio.run(external.mark(url, source.tables())):
        _say("going on with a promotion that was interrupted")
    try:
        _say("making Prefect's tables")
        with tempfile.TemporaryDirectory() as home:
            templates.migrate(database_url(target, layout, ""), home)
        rows = asyncio.run(external.fill(url, source, _say))
    except OSError as error:
        _undo(url)
        raise WorldError(f"the promotion to {external.place(url)} failed: {error}") from None
    except ZoeError:
        _undo(url)
        raise
    note.begin(layout, external.place(url))
    return rows


def _undo(url: str) -> None:
    try:
        asyncio.run(external.undo(url))
    except ZoeError as error:
        _say(
            f"what was made in {external.place(url)} could not be taken away: {error}; "
            "another promotion to it will go on from there"
        )


def _conclude(target: Settings, layout: Layout, rows: dict[str, int]) -> None:
    begun = note.pending(layout)
    kept = note.finish(layout, begun)
    external_url = target.database.get_secret_value()
    is_external = target.engine is DatabaseEngine.EXTERNAL_POSTGRES
    if is_external:
        try:
            asyncio.run(external.unmark(external_url))
        except ZoeError as error:
            _say(
                f"the table {external.MARKER} could not be taken away: {error}; Zoe does it when "
                "it starts there"
            )
    _say(f"promoted {sum(rows.values()):,} rows in {len(rows)} tables; each was compared")
    _say(f"the SQLite database is kept as {kept}")
    value = "its URL, best by ZOE_DATABASE_FILE" if is_external else "postgres"
    _say(f"now set ZOE_DATABASE to {value}, and start Zoe")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
