"""The embedded Postgres: where its programs are and with which words they start."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from appliance.errors import OperatorError

SUPERUSER = "prefect"
DATABASE = "prefect"
FIRST_WITH_BUILTIN_COLLATION = 17

# Debian and Ubuntu; Red Hat's PGDG packages.
WELL_KNOWN_BIN_DIRS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


def find_bin_dir(configured: Path | None) -> Path:
    """Return the directory that holds `postgres`; of several the newest version's.

    Raises:
        OperatorError: It is not where it was said to be, or nowhere.
    """
    if configured is not None:
        if os.access(configured / "postgres", os.X_OK):
            return configured
        raise OperatorError(
            f"there is no program postgres in {configured}",
            where="ZOE_POSTGRES_BIN_DIR",
            remedy="name the directory of PostgreSQL's server programs",
        )
    found = [
        path
        for pattern in WELL_KNOWN_BIN_DIRS
        for path in Path("/").glob(pattern.lstrip("/"))
        if os.access(path / "postgres", os.X_OK)
    ]
    if found:
        return max(found, key=_version)
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    raise OperatorError(
        "ZOE_DATABASE is postgres, but PostgreSQL's server programs are not installed here",
        where="ZOE_POSTGRES_BIN_DIR is not set",
        remedy="install them, name their directory, or use sqlite or a postgresql:// URL",
    )


def _version(bin_dir: Path) -> int:
    digits = "".join(character for character in bin_dir.parent.name if character.isdigit())
    return int(digits or 0)


def initdb_command(bin_dir: Path, data: Path, major_version: int) -> list[str]:
    """Return the command that makes an empty cluster.

    Page checksums find a rotten disk. The builtin C.UTF-8 collation, where there is one, needs no
    locale of the system, so that no upgrade of its C library can change the order of an index;
    before Postgres 17 the system's C.UTF-8 comes next to it. `trust` counts
    only on a Unix socket in a directory that its owner alone may enter, and nothing else is
    listened on; `peer` would need a name in /etc/passwd, which a container run with any `--user`
    has not. (initdb(1), PostgreSQL 17.)
    """
    collation = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [
        str(bin_dir / "initdb"),
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        *(collation if major_version >= FIRST_WITH_BUILTIN_COLLATION else ()),
        "--data-checksums",
        "--no-instructions",
    ]


def server_command(bin_dir: Path, data: Path, socket_dir: Path) -> list[str]:
    """Return the command that serves the cluster on a Unix socket, and nowhere else."""
    parameters = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "fsync": "on",
        "synchronous_commit": "on",
        # Prefect's statements are short; compiling them costs more than it saves, and the image
        # leaves LLVM out (124 MB).
        "jit": "off",
        # Parallel plans allocate in /dev/shm, which Docker keeps at 64 MB.
        "max_parallel_workers_per_gather": "0",
        "shared_buffers": "64MB",
        "max_connections": "100",
        "log_line_prefix": "%m ",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    command = [str(bin_dir / "postgres"), "-D", str(data)]
    for name, value in parameters.items():
        command += ["-c", f"{name}={value}"]
    return command


def is_ready_command(bin_dir: Path, socket_dir: Path, patience: int) -> list[str]:
    """Return the command that exits 0 when the server accepts connections.

    Args:
        bin_dir: Where PostgreSQL's programs are.
        socket_dir: The directory of the server's socket.
        patience: Seconds to wait for an answer.
    """
    return [
        str(bin_dir / "pg_isready"),
        "--quiet",
        f"--host={socket_dir}",
        f"--username={SUPERUSER}",
        f"--dbname={DATABASE}",
        f"--timeout={patience}",
    ]
