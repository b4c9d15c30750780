"""Data that must not be started on as it is, and data that an older Prefect has left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import prepare_data
from tests.support.container import Container, run_to_the_end, running, volume

ENGINES = ("sqlite", "postgres")
PREPARE = Path(prepare_data.__file__).read_text(encoding="utf-8")
CONTENT = "find /data -type f ! -name '*-wal' ! -name '*-shm' -exec sha256sum {} + | sort"
# Of Prefect 3.8.8's migrations the last but one.
OLDER = {"sqlite": "f416ea180ae1", "postgres": "c8d5f2a71b3e"}


@pytest.fixture
def data() -> Iterator[str]:
    with volume() as name:
        yield name


def inside(data: str, *command: str) -> str:
    """Run a program of the image on the data."""
    done = run_to_the_end(
        f"--volume={data}:/data", f"--entrypoint={command[0]}", command=command[1:]
    )
    assert done.exit_code == 0, done.output
    return done.output


def prepare(data: str, engine: str, *wanted: str) -> None:
    inside(data, "python", "-c", PREPARE, engine, *wanted)


def refused(data: str, *arguments: str) -> str:
    """Start on the data, which must be refused in one line before anything changes; return it."""
    before = inside(data, "sh", "-c", CONTENT)
    done = run_to_the_end(f"--volume={data}:/data", *arguments)
    assert done.exit_code == 2, done.output
    assert inside(data, "sh", "-c", CONTENT) == before
    (line,) = done.output.strip().splitlines()
    return line


def test_sqlite_database(data: str) -> None:
    prepare(data, "sqlite", "newer")
    line = refused(data)
    assert "0123456789ab, which Prefect 3.8.8 does not know (/data/database/prefect.db)" in line

    inside(data, "rm", "-r", "/data/database")
    prepare(data, "sqlite", "lost")
    line = refused(data)
    assert "the key that encrypts the one block in the database is missing" in line
    assert "create the file /data/secrets/empty_blocks" in line
    other = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    line = refused(data, f"--env=ZOE_ENCRYPTION_KEY={other}")
    assert "opens none of the one block in the database (ZOE_ENCRYPTION_KEY)" in line
    assert other not in line

    inside(data, "sh", "-c", "head -c 9999 /dev/zero > /data/database/prefect.db")
    line = refused(data)
    assert "the database /data/database/prefect.db is damaged" in line
    assert "zoe restore" in line


def test_embedded_cluster_of_another_version(data: str) -> None:
    inside(data, "sh", "-c", "mkdir /data/postgres && echo 15 > /data/postgres/PG_VERSION")
    line = refused(data, "--env=ZOE_DATABASE=postgres")
    assert "/data/postgres is of PostgreSQL 15, and the programs are of 17" in line
    assert "zoe backup create" in line


def test_embedded_cluster_is_looked_into_when_it_is_served(data: str) -> None:
    prepare(data, "postgres", "newer", "lost")
    done = run_to_the_end(f"--volume={data}:/data", "--env=ZOE_DATABASE=postgres")
    assert done.exit_code == 2, done.output
    assert "0123456789ab, which Prefect 3.8.8 does not know (/data/postgres)" in done.output
    assert "the key that encrypts the one block in the database is missing" in done.output
    assert "Traceback" not in done.output
    assert "encryption_key" not in inside(data, "ls", "/data/secrets")


def backups_before_migrations(container: Container) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(container.exec("zoe", "backup", "list", "--json"))
    return [backup for backup in found if backup["label"] == "before-migration"]


@pytest.mark.parametrize("engine", ENGINES)
def test_data_of_an_older_prefect(data: str, engine: str) -> None:
    prepare(data, engine, "older", "lost")
    # The operator has no copy of the key either, and gives that block up.
    inside(data, "sh", "-c", "mkdir /data/secrets && touch /data/secrets/empty_blocks")
    with running(
        f"--volume={data}:/data",
        f"--env=ZOE_DATABASE={engine}",
        "--env=ZOE_COMPONENTS=database,server",
    ) as container:
        container.wait_healthy()
        assert "the database is migrated for Prefect 3.8.8" in container.logs()
        assert "emptied one block, to be filled in again" in container.logs()
        (backup,) = backups_before_migrations(container)
        verified = json.loads(container.exec("zoe", "backup", "verify", "--json", backup["name"]))
        assert verified["ok"] is True
        assert verified["revision"] == OLDER[engine]
        with container.client() as client:
            (block,) = client.post("/block_documents/filter", json={}).raise_for_status().json()
            assert (block["name"], block["data"]) == ("lost", {})


def test_migration_that_fails(data: str) -> None:
    prepare(data, "sqlite", "older", "unmigratable")
    for _ in range(2):
        done = run_to_the_end(f"--volume={data}:/data")
        assert done.exit_code == 2, done.output
        last_line = done.output.strip().splitlines()[-1]
        assert (
            "the migration of the database for Prefect 3.8.8 failed: OperationalError" in last_line
        )
        (backup,) = inside(data, "ls", "/data/backups").split()
        assert f"zoe restore --force /data/backups/{backup}" in last_line


def test_disk_without_room_for_the_backup(data: str) -> None:
    """The migration is not begun, and the database stays as it was, byte for byte."""
    prepare(data, "sqlite", "older")
    script = """
        cp -r /prepared/database /data && zoe run
        code=$?
        cmp /prepared/database/prefect.db /data/database/prefect.db && echo unchanged
        ls /data/backups
        exit $code
    """
    done = run_to_the_end(
        f"--volume={data}:/prepared:ro",
        "--tmpfs=/data:size=16m,uid=10001,mode=700",
        "--entrypoint=sh",
        command=["-c", script],
    )
    assert done.exit_code == 2, done.output
    assert (
        "the database must be migrated for Prefect 3.8.8, and the backup before that" in done.output
    )
    assert "free on the disk" in done.output
    assert done.output.strip().endswith("unchanged")
