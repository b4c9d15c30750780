"""An embedded Postgres cluster served in private, for as long as a piece of work needs it.

The program `database` serves the cluster while Zoe runs. Templates, backups, drills and promotion
need one for a moment, beside it or instead of it, on a socket that nobody else knows.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from urllib.parse import quote

import asyncpg

from appliance.database import postgres, stale_lock
from appliance.errors import WorldError
from appliance.tied import popen as tied_popen

START_SECONDS = 60
POLL_SECONDS = 0.1


@contextmanager
def serving(
    bin_dir: Path, data: Path, socket_dir: Path, *, tied: bool = True, log: Path | None = None
) -> Iterator[None]:
    """Serve the cluster `data` on a socket in `socket_dir`, and stop it (fast) afterwards.

    Args:
        bin_dir: Where PostgreSQL's programs are.
        data: The cluster; no other server may serve it.
        socket_dir: A directory that only our user may enter; its path must be shorter than 90
            characters, or the socket's own does not fit (unix(7)).
        tied: Let the kernel stop the server should this process die first.
        log: Takes the server's words instead of standard error.

    Raises:
        WorldError: The server does not start.
    """
    stale_lock.remove(data)
    with log.open("ab") if log else nullcontext(sys.stderr) as output:
        # SIGINT is PostgreSQL's fast shutdown: the cluster is left clean.
        start = partial(tied_popen, number=signal.SIGINT) if tied else subprocess.Popen[bytes]
        command = postgres.server_command(bin_dir, data, socket_dir)
        server = start(command, stdout=output, stderr=output)
    try:
        _wait_until_ready(server, bin_dir, data, socket_dir)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


@contextmanager
def short_socket_dir() -> Iterator[Path]:
    """Yield a directory for `serving`'s socket, private and with a short path."""
    with tempfile.TemporaryDirectory(prefix="zoe-pg-") as name:
        yield Path(name)


@asynccontextmanager
async def connect(
    socket_dir: Path, database: str = postgres.DATABASE
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to a cluster that is served on a socket in `socket_dir`."""
    connection = await asyncpg.connect(
        host=str(socket_dir), user=postgres.SUPERUSER, database=database
    )
    try:
        yield connection
    finally:
        await connection.close()


def connection_url(socket_dir: Path) -> str:
    """Return the address of a cluster that is served here, as SQLAlchemy and Prefect take it."""
    host = quote(str(socket_dir), safe="")
    return f"postgresql+asyncpg://{postgres.SUPERUSER}@/{postgres.DATABASE}?host={host}"


def major_version(data: Path) -> int:
    """Return the major version of PostgreSQL that made the cluster.

    Raises:
        WorldError: It is no cluster.
    """
    try:
        return int((data / "PG_VERSION").read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise WorldError(
            f"{data} is no PostgreSQL cluster: its PG_VERSION cannot be read",
            remedy="restore a backup",
        ) from None


def major_version_of_programs(bin_dir: Path) -> int:
    """Return the major version of the server programs in `bin_dir`."""
    version = subprocess.run(
        [bin_dir / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    return int(version.split()[2].split(".")[0])


def _wait_until_ready(
    server: subprocess.Popen[bytes], bin_dir: Path, data: Path, socket_dir: Path
) -> None:
    ready = postgres.is_ready_command(bin_dir, socket_dir, patience=1)
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise WorldError("the Postgres cluster does not start", where=str(data))
        time.sleep(POLL_SECONDS)
