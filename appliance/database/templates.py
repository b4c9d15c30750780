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
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from appliance import identity
from appliance.database import cluster, postgres
from appliance.database.shrinking import make_incremental
from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.files import make_private_dir, sync_file_system
from appliance.layout import Runtime
from appliance.tied import popen

SQLITE_TEMPLATE = "sqlite.tar.gz"
POSTGRES_TEMPLATE = "postgres.tar.gz"
INSTALLED = "installed.txt"


def install_sqlite(templates: Path, database: Path) -> bool:
    """Copy the SQLite template to `database` if nothing is there; tell whether it did.

    The copy gets its name when it is whole, so that a kill leaves no half database.
    """
    archive = templates / SQLITE_TEMPLATE
    make_private_dir(database.parent)
    _remove_unfinished(database.parent, SQLITE_TEMPLATE)
    if database.exists() or not archive.exists():
        return False
    scratch = _unpack(archive, database.parent)
    _put_in_place(scratch / database.name, database)
    scratch.rmdir()
    return True


def fit(templates: Path) -> bool:
    """Tell whether the templates were made with exactly the distributions that are installed.

    Only then they hold the schema and the block types that Prefect would look for at its start.
    """
    try:
        return (templates / INSTALLED).read_text(encoding="utf-8") == _installed()
    except OSError:
        return False


def _installed() -> str:
    """Return the installed distributions and their versions by the names of their records.

    (Python packaging, "Recording installed projects".)
    """
    records = {path.name for place in sys.path for path in Path(place).glob("*.dist-info")}
    return "".join(f"{name}\n" for name in sorted(records))


def install_postgres(templates: Path, data: Path, bin_dir: Path) -> bool:
    """Make the cluster `data` if there is none, from the template if that fits; tell whether.

    Raises:
        WorldError: `initdb` failed.
    """
    for name in (POSTGRES_TEMPLATE, data.name):
        _remove_unfinished(data.parent, name)
    if data.exists():
        return False
    archive = templates / POSTGRES_TEMPLATE
    if archive.exists():
        scratch = _unpack(archive, data.parent)
        if cluster.major_version(scratch) == cluster.major_version_of_programs(bin_dir):
            _put_in_place(scratch, data)
            return True
        shutil.rmtree(scratch)
    scratch = Path(tempfile.mkdtemp(dir=data.parent, prefix=f".{data.name}."))
    make_cluster(bin_dir, scratch)
    _put_in_place(scratch, data)
    return True


def _put_in_place(made: Path, final: Path) -> None:
    """Rename what is whole, on the disk as well.

    A database syncs what it writes, not what it finds: a power cut after the first answers would
    leave empty files under the final name.
    """
    sync_file_system(made.parent)
    made.rename(final)
    sync_file_system(final.parent)


def _remove_unfinished(parent: Path, name: str) -> None:
    """Remove what an earlier try has left that was killed; nobody else makes databases here."""
    for scratch in parent.glob(f".{name}.*"):
        shutil.rmtree(scratch)


def _unpack(archive: Path, parent: Path) -> Path:
    scratch = Path(tempfile.mkdtemp(dir=parent, prefix=f".{archive.name}."))
    with tarfile.open(archive) as tar:
        # The archive is our own; Python 3.11.2, which Debian 12 has, knows no filters yet.
        known = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(scratch, **known)  # type: ignore[arg-type]  # noqa: S202 - see above
    return scratch


def make_cluster(bin_dir: Path, data: Path) -> None:
    """Make the cluster `data` by initdb, with the database in it, empty: the server migrates it.

    Raises:
        WorldError: `initdb` failed.
    """
    # A drill or a promotion may be the first thing that a user without a name does.
    identity.ensure_name(Runtime.from_environment())
    command = postgres.initdb_command(bin_dir, data, cluster.major_version_of_programs(bin_dir))
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise WorldError(f"initdb failed: {done.stderr.strip()}", where=str(data))
    with cluster.short_socket_dir() as socket_dir, cluster.serving(bin_dir, data, socket_dir):
        asyncio.run(_create_database(socket_dir))


async def _create_database(socket_dir: Path) -> None:
    async with cluster.connect(socket_dir, "postgres") as connection:
        await connection.execute(f"CREATE DATABASE {postgres.DATABASE}")


def migrate(connection_url: str, home: str) -> None:
    """Bring a database to the schema of the installed Prefect, in a process of its own.

    Args:
        connection_url: The database, in SQLAlchemy's form.
        home: A directory that Prefect may write to.

    Raises:
        WorldError: Prefect could not; its last line says why.
    """
    environment = {
        **os.environ,
        "PREFECT_HOME": home,
        "PREFECT_API_DATABASE_CONNECTION_URL": connection_url,
    }
    command = [sys.executable, "-P", "-m", "appliance.database.schema"]
    with popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        try:
            output, _ = child.communicate()
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        lines = output.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), "it was killed")
        raise WorldError(f"Prefect's migrations failed: {reason}")


def _build_sqlite(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "prefect.db"
        migrate(f"sqlite+aiosqlite:///{database}", scratch)
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            make_incremental(connection)
        with tarfile.open(target, "w:gz") as tar:
            tar.add(database, database.name, filter=_anonymous)


def _build_postgres(bin_dir: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        make_cluster(bin_dir, data)
        with cluster.short_socket_dir() as socket_dir, cluster.serving(bin_dir, data, socket_dir):
            migrate(cluster.connection_url(socket_dir), scratch)
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
    try:
        bin_dir = postgres.find_bin_dir(None)
    except OperatorError:
        # A host need not have it; the image does, and its tests start from this template.
        bin_dir = None
    if bin_dir is not None:
        _build_postgres(bin_dir, directory / POSTGRES_TEMPLATE)
    (directory / INSTALLED).write_text(_installed(), encoding="utf-8")


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
