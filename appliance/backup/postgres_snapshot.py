"""A dump of a Postgres database in use, and its row counts, as of one and the same moment."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from appliance import tied
from appliance.database import postgres
from appliance.database.content import row_counts_postgres, schemas_of_others
from appliance.errors import OperatorError, WorldError
from appliance.settings import Settings

CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Address:
    """A database to dump.

    Attributes:
        url: A `postgresql://` URL without a password, as libpq and asyncpg take it.
        password: None where none is asked for.
    """

    url: str
    password: str | None = None


@dataclass(frozen=True)
class Dumped:
    """What is known of a dump: the schema's revision, and the rows of each table."""

    revision: str | None
    tables: dict[str, int]


def external(url: str) -> Address:
    """Return the address of a server of the operator's own, its password set apart."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.netloc.rpartition('@')[0].partition(':')[0]}@" if "@" in parts.netloc else ""
    query = dict(parse_qsl(parts.query))
    # libpq takes it there as well, and what it says there counts.
    in_query = query.pop("password", None)
    password = in_query or (unquote(parts.password) if parts.password else None)
    # SQLAlchemy's asyncpg calls `ssl` what libpq calls `sslmode`.
    words = {("sslmode" if key == "ssl" else key): value for key, value in query.items()}
    bare = urlunsplit(("postgresql", f"{user}{host}", parts.path, urlencode(words), ""))
    return Address(bare, password)


def embedded(socket_dir: Path) -> Address:
    """Return the address of the cluster that is served on a socket in a directory."""
    query = urlencode({"host": str(socket_dir)})
    return Address(f"postgresql://{postgres.SUPERUSER}@/{postgres.DATABASE}?{query}")


def find_program(settings: Settings, name: str) -> Path:
    """Return a client program of PostgreSQL, beside the server's or on PATH.

    Raises:
        OperatorError: It is not installed.
    """
    try:
        path = postgres.find_bin_dir(settings.postgres_bin_dir) / name
    except OperatorError:
        path = Path(name)
    found = shutil.which(path) or shutil.which(name)
    if found is None:
        raise OperatorError(
            f"PostgreSQL's program {name} is not installed here",
            where="ZOE_POSTGRES_BIN_DIR",
            remedy="install PostgreSQL's client programs, or name their directory",
        )
    return Path(found)


async def is_served(address: Address) -> bool:
    """Tell whether somebody answers there at all."""
    try:
        async with _connected(address):
            return True
    except (OSError, asyncpg.CannotConnectNowError):
        return False


async def size(address: Address) -> int:
    """Return the size of the database in bytes, its indexes included.

    Raises:
        WorldError: It cannot be asked.
    """
    async with _in_words(), _connected(address) as connection:
        return int(await connection.fetchval("SELECT pg_database_size(current_database())"))


async def dump(address: Address, pg_dump: Path, target: Path) -> Dumped:
    """Dump a database in pg_dump's custom form, uncompressed: the archive compresses.

    What others keep in the same database is left out: a restore would roll it back with ours.

    Raises:
        WorldError: It cannot be reached, or pg_dump fails.
    """
    async with (
        _in_words(),
        _connected(address) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
        command = [
            str(pg_dump),
            f"--dbname={address.url}",
            "--no-password",
            "--format=custom",
            "--compress=0",
            "--no-owner",
            "--no-privileges",
            # What belongs to the database as a whole is nothing of Prefect's either.
            "--no-blobs",
            "--no-publications",
            "--no-subscriptions",
            *(f"--exclude-schema={_pattern(name)}" for name in await schemas_of_others(connection)),
            f"--snapshot={snapshot}",
            f"--file={target}",
        ]
        await _run(command, address)
        has_revision = await connection.fetchval("SELECT to_regclass('alembic_version')")
        revision = (
            await connection.fetchval("SELECT version_num FROM alembic_version")
            if has_revision
            else None
        )
        return Dumped(revision, await row_counts_postgres(connection))


def _pattern(name: str) -> str:
    """Return a pattern that matches this name only, as pg_dump(1) reads it."""
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


async def _run(command: Sequence[str], address: Address) -> None:
    # In the environment, which only our user may look into; a list of words is everybody's.
    secret = {"PGPASSWORD": address.password} if address.password else {}
    process = tied.popen(
        command,
        env={**os.environ, **secret},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _, words = await asyncio.to_thread(process.communicate)
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        lines = words.decode(errors="replace").strip().splitlines()
        raise WorldError(_reason(lines), remedy=_remedy(" ".join(lines)))


def _reason(lines: Sequence[str]) -> str:
    return "; ".join(lines[:2]) or "pg_dump failed without a word"


def _remedy(words: str) -> str:
    if "server version mismatch" in words:
        return "install client programs as new as the server and name them by ZOE_POSTGRES_BIN_DIR"
    return "make room" if "No space left" in words else ""


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        address.url, password=address.password, timeout=CONNECT_SECONDS
    )
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _in_words() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise WorldError(
            f"the database cannot be dumped: {str(error) or type(error).__name__}",
            where="ZOE_DATABASE",
            remedy="see that it runs: zoe health",
        ) from error
