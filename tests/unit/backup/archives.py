"""Archives of small databases, made as `zoe backup create` makes them but for the running Zoe."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from appliance import __version__
from appliance.backup import archive
from appliance.backup.manifest import Manifest
from appliance.database import content, revisions
from appliance.settings import DatabaseEngine

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PASSWORD = "archived-password"
HEAD = revisions.known(DatabaseEngine.SQLITE).head


def fill(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_database(path: Path, runs: dict[str, str], revision: str = HEAD) -> None:
    """Make an SQLite file with flow runs, by id their state's type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.execute(
            "CREATE TABLE flow_run (id, state_type, parent_task_run_id, deployment_id)"
        )
        connection.executemany("INSERT INTO flow_run VALUES (?, ?, NULL, NULL)", runs.items())


def make_archive(
    directory: Path,
    runs: dict[str, str],
    *,
    files: dict[str, str] | None = None,
    tables: dict[str, int] | None = None,
    passphrase: str | None = None,
) -> Path:
    """Make an archive in a directory; `tables` may promise other rows than there are."""
    directory.mkdir(parents=True, exist_ok=True)
    staged = directory / ".staged"
    make_database(staged / "database" / "prefect.db", runs)
    given = {
        "secrets/admin_password": f"{PASSWORD}\n",
        "secrets/encryption_key": f"{KEY}\n",
        "settings/zoe.toml": "worker_limit = 3\n",
        "results/one": "result",
        "zoe.json": '{"zoe": "0"}',
        **(files or {}),
    }
    fill(staged, given)
    rows = content.row_counts_sqlite(staged / "database" / "prefect.db")
    manifest = Manifest(
        zoe=__version__,
        prefect="3.8.8",
        made_at=datetime(2026, 1, 1, 3, tzinfo=UTC),
        engine="sqlite",
        revision=HEAD,
        tables=tables or rows,
        files=archive.file_entries(staged),
    )
    path = directory / f"zoe-20260101T030000Z.tar.gz{'.enc' if passphrase else ''}"
    archive.write(path, staged, manifest, passphrase)
    return path
