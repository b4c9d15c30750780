"""Ready-made databases: what a first start copies instead of migrating for five seconds.

    python -m appliance.database.templates build DIRECTORY

makes them, at image build or when a host is installed. They hold Prefect's schema and the
installed block types, no secret and no data. Without a template a first start still works; it
makes the database itself and takes longer.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import asyncpg

from appliance.database import postgres
from appliance.errors import WorldError, ZoeError
from appliance.files import make_private_dir

SQLITE_TEMPLATE = "sqlite.tar.gz"
POSTGRES_TEMPLATE = "postgres.tar.gz"
POSTGRES_START_SECONDS = 60


def install_sqlite(templates: Path, database: Path) -> bool:
    """Copy the SQLite template to `database` if nothing is there; tell whether it did.

    The copy gets its name when it is whole, so that a kill leaves no half database.
    """
    archive = templates / SQLITE_TEMPLATE
    make_private_dir(database.parent)
    if database.exists() or not archive.exists():
        return False
    scratch = _unpack(archive, database.parent)
    (scratch / database.name).rename(database)
    scratch.rmdir()
    return True


def install_postgres(templates: Path, data: Path, bin_dir: Path) -> bool:
    """Make the cluster `data` if there is none, from the template if that fits; tell whether.

    Raises:
        WorldError: `initdb` failed.
    """
    if data.exists():
        return False
    archive = templates / POSTGRES_TEMPLATE
    if archive.exists():
        scratch = _unpack(archive, data.parent)
        if _major_version(scratch) == _major_version_of_programs(bin_dir):
            scratch.rename(data)
            return True
        shutil.rmtree(scratch)
    scratch = Path(tempfile.mkdtemp(dir=data.parent, prefix=f".{data.name}."))
    _make_cluster(bin_dir, scratch)
    scratch.rename(data)
    return True


def _unpack(archive: Path, parent: Path) -> Path:
    scratch = Path(tempfile.mkdtemp(dir=parent, prefix=f".{archive.name}."))
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    return scratch


def _major_version(cluster: Path) -> int:
    return int((cluster / "PG_VERSION").read_text(encoding="ascii"))


def _major_version_of_programs(bin_dir: Path) -> int:
    version = subprocess.run(
        [bin_dir / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    return int(version.split()[2].split(".")[0])


def _make_cluster(bin_dir: Path, data: Path) -> None:
    """Run initdb and create the database, empty; the server migrates it."""
    command = postgres.initdb_command(bin_dir, data, _major_version_of_programs(bin_dir))
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise WorldError(f"initdb failed: {done.stderr.strip()}", where=str(data))
    with tempfile.TemporaryDirectory() as socket_dir:
        server = _start(bin_dir, data, Path(socket_dir))
        try:
            asyncio.run(_create_database(socket_dir))
        finally:
            _stop(server)


def _start(bin_dir: Path, data: Path, socket_dir: Path) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(postgres.server_command(bin_dir, data, socket_dir), stdout=sys.stderr)
    ready = postgres.is_ready_command(bin_dir, socket_dir, patience=1)
    deadline = time.monotonic() + POSTGRES_START_SECONDS
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise WorldError("the new Postgres cluster does not start", where=str(data))
        time.sleep(0.1)
    return server


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    server.wait()


async def _create_database(socket_dir: str) -> None:
    connection = await asyncpg.connect(
        host=socket_dir, user=postgres.SUPERUSER, database="postgres"
    )
    try:
        await connection.execute(f"CREATE DATABASE {postgres.DATABASE}")
    finally:
        await connection.close()


def _migrate(connection_url: str, home: str) -> None:
    environment = {
        **os.environ,
        "PREFECT_HOME": home,
        "PREFECT_API_DATABASE_CONNECTION_URL": connection_url,
    }
    subprocess.run([sys.executable, "-m", "appliance.database.schema"], check=True, env=environment)


def _build_sqlite(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "prefect.db"
        _migrate(f"sqlite+aiosqlite:///{database}", scratch)
        with tarfile.open(target, "w:gz") as tar:
            tar.add(database, database.name, filter=_anonymous)


def _build_postgres(bin_dir: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        _make_cluster(bin_dir, data)
        socket_dir = Path(scratch) / "socket"
        make_private_dir(socket_dir)
        server = _start(bin_dir, data, socket_dir)
        try:
            _migrate(
                f"postgresql+asyncpg://{postgres.SUPERUSER}@/{postgres.DATABASE}?host={socket_dir}",
                scratch,
            )
        finally:
            _stop(server)
        with tarfile.open(target, "w:gz") as tar:
            tar.add(data, ".", filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Drop who made it, and let the copy be its owner's alone; Postgres insists on that."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o700 if member.isdir() else 0o600
    return member


def build(directory: Path) -> None:
    """Make a template for SQLite and, where its programs are installed, one for Postgres."""
    directory.mkdir(parents=True, exist_ok=True)
    _build_sqlite(directory / SQLITE_TEMPLATE)
    _build_postgres(postgres.find_bin_dir(None), directory / POSTGRES_TEMPLATE)


def main() -> int:
    """Carry out the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m appliance.database.templates")
    parser.add_argument("verb", choices=["build"])
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    try:
        build(arguments.directory)
    except ZoeError as error:
        sys.stderr.write(f"templates: {error.line()}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
