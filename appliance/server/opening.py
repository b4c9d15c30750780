"""What happens to the database between its being up and Prefect's starting on it.

`zoe run` has looked at it already where it could: into SQLite and into an external Postgres. The
embedded one can be looked into only here, and any of them may have changed since.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cryptography.fernet import Fernet

from appliance import credentials, guards, stamp
from appliance.database import connection, emptying, migration
from appliance.database.findings import Findings
from appliance.database.promotion import external as promotion
from appliance.files import make_private_dir, write_atomically
from appliance.layout import Layout, Runtime
from appliance.log import say
from appliance.settings import DatabaseEngine, Settings

BEFORE_EMPTYING = "before-emptying"


def check(settings: Settings, layout: Layout, runtime: Runtime) -> Findings:
    """Apply the guards, and see to it that there is an encryption key; return what was found.

    Raises:
        OperatorError: A guard refuses; nothing was changed.
        WorldError: The database cannot be reached, or what is to be emptied not be backed up.
    """
    found = guards.look(settings, layout, runtime)
    guards.database(settings, layout, found)
    # Only now is it certain that a missing key leaves nothing unreadable.
    credentials.ensure(settings, layout)
    if layout.empty_blocks.exists():
        with _told(runtime):
            _empty_blocks(settings, layout, runtime, found)
    return found


def migrate(
    settings: Settings,
    layout: Layout,
    runtime: Runtime,
    found: Findings,
    environment: Mapping[str, str],
) -> bool:
    """Back up and migrate what an older Prefect has left; from then on the data are ours.

    Returns:
        Whether the schema is now known to be that of the installed Prefect.

    Raises:
        OperatorError: Backup or migration failed.
    """
    with _told(runtime):
        is_current = migration.bring_up_to_date(
            settings,
            layout,
            found,
            environment,
            lambda: _backup(settings, layout, migration.LABEL),
        )
    stamp.write(layout)
    return is_current


def claim(settings: Settings) -> None:
    """Take away what a promotion may have left in a database of the operator's own.

    Its mark would let a later promotion replace everything that is about to be written there.

    Raises:
        OperatorError: It belongs to another user.
        WorldError: The database cannot be reached.
    """
    if settings.engine is DatabaseEngine.EXTERNAL_POSTGRES:
        asyncio.run(promotion.unmark(settings.database.get_secret_value()))


@contextmanager
def _told(runtime: Runtime) -> Iterator[None]:
    """Tell the conductor that this may take longer than a start may.

    Should this process die meanwhile, the process id in the file makes it of no account.
    """
    make_private_dir(runtime.root)
    write_atomically(runtime.opening, str(os.getpid()))
    try:
        yield
    finally:
        runtime.opening.unlink(missing_ok=True)


def _backup(settings: Settings, layout: Layout, label: str) -> object:
    # Rarely needed, and it brings the clients of object stores along.
    from appliance.backup.creating import create  # noqa: PLC0415

    return create(settings, layout, label=label)


def _empty_blocks(settings: Settings, layout: Layout, runtime: Runtime, found: Findings) -> None:
    key = credentials.encryption_key(settings, layout)
    assert key is not None  # noqa: S101 - `ensure` has just made it
    fernet = Fernet(key)
    lost = [name for name, token in found.blocks.items() if not guards.decrypts(fernet, token)]
    if lost:
        # Should the key turn up one day, so does what it opens.
        backup = _backup(settings, layout, BEFORE_EMPTYING)
        if settings.engine is DatabaseEngine.SQLITE:
            emptying.in_sqlite(layout.sqlite_file, lost, key)
        else:
            asyncio.run(_empty_in_postgres(settings, runtime, lost, key))
        blocks = "one block" if len(lost) == 1 else f"{len(lost)} blocks"
        say(
            f"emptied {blocks}, to be filled in again; {backup} holds the content that only the "
            "lost key opens",
            "WARNING",
        )
    layout.empty_blocks.unlink()


async def _empty_in_postgres(
    settings: Settings, runtime: Runtime, blocks: list[str], key: str
) -> None:
    async with connection.opened(settings, runtime) as connected:
        await emptying.in_postgres(connected, blocks, key)
