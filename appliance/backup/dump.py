"""The dump of a Postgres database, from an archive into a server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from appliance.backup import unsettled
from appliance.backup.postgres_snapshot import CONNECT_SECONDS, Address
from appliance.database import content
from appliance.database.refusal import in_words
from appliance.errors import OperatorError, WorldError

# Where an archive has it.
PLACE = Path("database", "prefect.dump")


def load(pg_restore: Path, dump: Path, address: Address, *, replace: bool = False) -> None:
    """Load a dump in one transaction: all of it or nothing.

    Owners, rights and comments of the old server are left out: here everything belongs to whoever
    connects, and comments on extensions take rights that only an administrator has (pg_restore(1)).

    Args:
        pg_restore: The program.
        dump: In pg_dump's custom format.
        address: The database, which is there.
        replace: Drop what the dump holds, first, where that is there.

    Raises:
        WorldError: Postgres refused.
    """
    command = [
        str(pg_restore),
        f"--dbname={address.url}",
        "--no-password",
        "--single-transaction",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        *(("--clean", "--if-exists") if replace else ()),
        str(dump),
    ]
    # In the environment, which only our user may look into; a list of words is everybody's.
    secret = {"PGPASSWORD": address.password} if address.password else {}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **secret}
    )
    if done.returncode:
        reason = " ".join(done.stderr.split("\n")[:2]).strip() or f"exit code {done.returncode}"
        raise WorldError(f"the archive's database cannot be loaded: {reason}")


async def rows(address: Address) -> dict[str, int]:
    """Return how many rows each table of the server's database has; empty where there is none.

    Raises:
        OperatorError: Its user may not read them.
        WorldError: It cannot be reached.
    """
    async with _connected(address) as connection:
        return await content.row_counts_postgres(connection)


async def under_way(address: Address) -> list[str]:
    """Return the flow runs of the server's database that are under way.

    Raises:
        OperatorError: Its user may not read them.
        WorldError: It cannot be reached.
    """
    async with _connected(address) as connection:
        return await unsettled.in_postgres(connection)


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator[asyncpg.Connection]:
    with in_words(
        "the database cannot be used",
        where="ZOE_DATABASE",
        remedy="mend the URL, or start that server and try again",
    ):
        connection = await asyncpg.connect(
            address.url, password=address.password, timeout=CONNECT_SECONDS
        )
        try:
            yield connection
        finally:
            await connection.close()


async def schemas_of_others(address: Address) -> list[str]:
    """Return the schemas of the server's database that are neither Prefect's nor the system's.

    Raises:
        WorldError: It cannot be reached.
    """
    async with _connected(address) as connection:
        return await content.schemas_of_others(connection)


def check_schemas(pg_restore: Path, dump: Path, others: Collection[str]) -> None:
    """Refuse a dump that would replace what others have in the database.

    Args:
        pg_restore: The program.
        dump: In pg_dump's custom format.
        others: Their schemas.

    Raises:
        OperatorError: It holds one of theirs.
        WorldError: It cannot be read.
    """
    done = subprocess.run(
        [str(pg_restore), "--list", str(dump)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise WorldError(f"the archive's database cannot be read: {done.stderr.strip()}")
    for name in others:
        if f" SCHEMA - {name} " in done.stdout:
            raise OperatorError(
                f"the archive holds the schema {name} as well, which is not Prefect's",
                where="ZOE_DATABASE",
                remedy="make a new, empty database and name that one",
            )


def check_room(promised: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Refuse a database with tables that the dump would not replace.

    Raises:
        OperatorError: They are not the archive's: somebody else's, or a newer Prefect's.
    """
    foreign = sorted(found.keys() - promised.keys())
    if foreign:
        raise OperatorError(
            f"the database holds tables that are not in the archive, such as {foreign[0]}",
            where="ZOE_DATABASE",
            remedy="make a new, empty database and name that one",
        )
