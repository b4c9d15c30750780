"""A PostgreSQL server of the operator's own, where PostgreSQL is installed; one for all tests."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from appliance.backup.postgres_snapshot import Address
from appliance.database import postgres
from appliance.errors import OperatorError
from tests.unit.support import NOBODY, free_port, wait_until

PASSWORD = "hidden"
USER = "zoe"
SUPERUSER = "super"


@dataclass(frozen=True)
class Server:
    """A server; its one user is no superuser and makes databases of its own.

    Attributes:
        bin_dir: PostgreSQL's programs.
        port: On the loopback interface.
    """

    bin_dir: Path
    port: int

    def make_database(self, name: str, owner: str = USER) -> str:
        """Make an empty database, anew if it is there; return its URL for the one user."""
        make = f"CREATE DATABASE {name} OWNER {owner}"
        self.ask("postgres", f"DROP DATABASE IF EXISTS {name}", make, user=SUPERUSER)
        return self.url(name)

    def url(self, name: str, user: str = USER) -> str:
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def address(self, name: str, user: str = USER) -> Address:
        return Address(f"postgresql://{user}@127.0.0.1:{self.port}/{name}", PASSWORD)

    def ask(self, database: str, *statements: str, user: str = USER) -> list[Any]:
        """Return the first column of what the last statement returns."""
        return asyncio.run(self._ask(self.address(database, user), statements))

    async def _ask(self, address: Address, statements: tuple[str, ...]) -> list[Any]:
        connection = await asyncpg.connect(address.url, password=address.password)
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return [row[0] for row in rows]
        finally:
            await connection.close()


def installed() -> Path | None:
    try:
        return postgres.find_bin_dir(None)
    except OperatorError:
        return None


@contextmanager
def serving(bin_dir: Path) -> Iterator[Server]:
    """Serve a new cluster; PostgreSQL refuses to be root, so root's tests make it nobody's."""
    user = NOBODY if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="zoe-unit-pg-") as name:
        directory, port = Path(name), free_port()
        if user is not None:
            os.chown(directory, user, user)
        password = directory / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        program = {name: str(bin_dir / name) for name in ("initdb", "postgres", "pg_isready")}
        make = [program["initdb"], "--auth=scram-sha-256", f"--username={SUPERUSER}", "--no-sync"]
        make += [f"--pgdata={directory / 'data'}", f"--pwfile={password}"]
        subprocess.run(make, check=True, capture_output=True, user=user, group=user, cwd=name)
        command = [program["postgres"], "-D", str(directory / "data"), "-p", str(port)]
        command += ["-c", f"unix_socket_directories={name}", "-c", "fsync=off"]
        with (
            (directory / "log").open("wb") as log,
            subprocess.Popen(
                command, stdout=log, stderr=log, user=user, group=user, cwd=name
            ) as process,
        ):
            try:
                ready = [program["pg_isready"], "--quiet", "--host=127.0.0.1", f"--port={port}"]
                wait_until(
                    lambda: subprocess.run(ready, check=False).returncode == 0, "it accepts", 60
                )
                asyncio.run(_make_user(port))
                yield Server(bin_dir, port)
            finally:
                # Fast: a test that failed may have left a connection.
                process.send_signal(signal.SIGINT)


async def _make_user(port: int) -> None:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=port, user=SUPERUSER, password=PASSWORD, database="postgres"
    )
    try:
        await connection.execute(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'")
    finally:
        await connection.close()
