"""Data that must not be started on as things are: each refusal is one line with its way out.

Nothing here changes anything, so a refusal costs nothing and may be repeated.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from appliance import credentials
from appliance.database import cluster, connection, findings, revisions
from appliance.database.findings import Findings
from appliance.database.revisions import Standing
from appliance.errors import OperatorError, SeveralMistakesError, WorldError
from appliance.layout import Layout, Runtime
from appliance.settings import DatabaseEngine, Settings


def look(settings: Settings, layout: Layout, runtime: Runtime) -> Findings:
    """Look into the database that the settings name; the embedded one must be served.

    Raises:
        OperatorError: The SQLite file is damaged.
        WorldError: The database cannot be reached or read.
    """
    if settings.engine is DatabaseEngine.SQLITE:
        return findings.of_sqlite(layout.sqlite_file)
    return asyncio.run(_look_into_postgres(settings, runtime))


async def _look_into_postgres(settings: Settings, runtime: Runtime) -> Findings:
    async with connection.opened(settings, runtime) as connected:
        return await findings.of_postgres(connected)


def database(settings: Settings, layout: Layout, found: Findings) -> None:
    """Refuse a database that a newer Prefect migrated or whose blocks our key does not open.

    Raises:
        OperatorError: All that is wrong.
    """
    mistakes = []
    for guard in (schema, encryption_key):
        try:
            guard(settings, layout, found)
        except OperatorError as error:
            mistakes.append(error)
    if mistakes:
        raise SeveralMistakesError(mistakes)


def schema(settings: Settings, layout: Layout, found: Findings) -> None:
    """Refuse a schema that the installed Prefect does not know; it would be a newer one's.

    Raises:
        OperatorError: It is unknown.
    """
    known = revisions.known(settings.engine)
    if revisions.standing(found.revisions, known) is Standing.UNKNOWN:
        raise OperatorError(
            f"the database was migrated by another Prefect, to {', '.join(sorted(found.revisions))}"
            f", which Prefect {revisions.prefect_version()} does not know",
            where=_place(settings, layout),
            remedy="start the newer Zoe that used it last, or restore a backup made before that",
        )


def encryption_key(settings: Settings, layout: Layout, found: Findings) -> None:
    """Refuse a key that opens none of the blocks, and a missing one where there are blocks.

    A database without blocks takes any key. One in which some blocks can be read has the right
    key; the others were lost before.

    Raises:
        OperatorError: The blocks would be unreadable.
    """
    key = credentials.encryption_key(settings, layout)
    if not found.blocks or layout.empty_blocks.exists():
        return
    where = "ZOE_ENCRYPTION_KEY" if settings.encryption_key else str(layout.encryption_key)
    if key is None:
        what = f"the key that encrypts {_counted(found)} in the database is missing"
    elif not opens(key, found):
        what = f"the encryption key opens none of {_counted(found)} in the database"
    else:
        return
    if found.own_key and opens(found.own_key, found):
        remedy = (
            "stock Prefect kept the right key in the database: set ZOE_ENCRYPTION_KEY_FILE to a "
            "file with the fernet_key from its table configuration"
        )
    else:
        remedy = "put the old key back, from a backup or by ZOE_ENCRYPTION_KEY_FILE"
    raise OperatorError(
        what,
        where=where,
        remedy=f"{remedy}; if it is lost, create the file {layout.empty_blocks}: the next start "
        "empties these blocks, to be filled in again",
    )


def _counted(found: Findings) -> str:
    return "the one block" if len(found.blocks) == 1 else f"the {len(found.blocks)} blocks"


def opens(key: str, found: Findings) -> bool:
    """Tell whether a Fernet key decrypts at least one block."""
    return any(decrypts(Fernet(key), token) for token in found.blocks.values())


def decrypts(fernet: Fernet, token: str) -> bool:
    """Tell whether a token was made with this key."""
    try:
        fernet.decrypt(token)
    except InvalidToken:
        return False
    return True


def cluster_version(data: Path, bin_dir: Path) -> None:
    """Refuse an embedded cluster of another major version than the installed programs.

    Postgres reads no other version's files. (PostgreSQL's documentation, "Upgrading a PostgreSQL
    Cluster".)

    Raises:
        OperatorError: It is another version's, or no cluster.
    """
    if not data.exists():
        return
    programs = cluster.major_version_of_programs(bin_dir)
    try:
        found = cluster.major_version(data)
    except WorldError:
        raise OperatorError(
            f"{data} is not a PostgreSQL cluster: its file PG_VERSION is missing or unreadable",
            where="ZOE_DATA_DIR",
            remedy="put a backup in its place with zoe restore",
        ) from None
    if found != programs:
        raise OperatorError(
            f"the cluster {data} is of PostgreSQL {found}, and the programs are of {programs}",
            where=str(bin_dir),
            remedy=f"start the Zoe with PostgreSQL {found} once more and run zoe backup create; "
            "then zoe restore that backup with this Zoe on an empty data directory",
        )


def _place(settings: Settings, layout: Layout) -> str:
    return {
        DatabaseEngine.SQLITE: str(layout.sqlite_file),
        DatabaseEngine.EMBEDDED_POSTGRES: str(layout.postgres_data),
        DatabaseEngine.EXTERNAL_POSTGRES: "ZOE_DATABASE",
    }[settings.engine]
