"""Backups of a system that works: both engines, under load, and targets that fail."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from tests.support import runs
from tests.support.container import Container, docker, eventually, run_to_the_end, running, volume

FLIP = """
import sys
from pathlib import Path
path = Path(sys.argv[1])
content = bytearray(path.read_bytes())
content[len(content) * 2 // 3] ^= 1
path.write_bytes(content)
"""


@contextlib.contextmanager
def load(container: Container) -> Iterator[list[str]]:
    """Create runs without a pause, for ever due in the future; yield those acknowledged."""
    with container.client() as client:
        deployment = runs.deployments(client)["simple-print"]["id"]
    acknowledged: list[str] = []
    failures: list[Exception] = []
    over = threading.Event()

    def create() -> None:
        with container.client() as client:
            while not over.is_set():
                try:
                    acknowledged.append(create_later(client, deployment))
                except httpx.HTTPError as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(acknowledged) >= 10 or failures, what="load")
        yield acknowledged
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []


def create_later(client: httpx.Client, deployment: str) -> str:
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
    path = f"deployments/{deployment}/create_flow_run"
    return str(client.post(path, json={"state": later}).raise_for_status().json()["id"])


def as_json(container: Container, *words: str, **environment: str) -> Any:
    given = [f"{name}={value}" for name, value in environment.items()]
    return json.loads(container.exec("env", *given, "zoe", "backup", *words, "--json"))


def backup_under_load(container: Container) -> dict[str, Any]:
    """Make a backup while runs are created; return what it says of itself."""
    with load(container) as acknowledged:
        before = len(acknowledged)
        made: dict[str, Any] = as_json(container, "create")
        after = len(acknowledged)
    assert after > before, "nothing was created meanwhile"
    assert before <= made["runs"]
    checked = as_json(container, "verify", made["name"])
    assert checked["ok"]
    assert checked["runs"] == made["runs"]
    assert container.exec("sh", "-c", "ls -A /data/backups").split() == [made["name"]]
    mode_and_owner = container.exec("stat", "-c%a %u", f"/data/backups/{made['name']}")
    assert mode_and_owner.split() == ["600", "10001"]
    return made


def degraded(container: Container) -> list[str]:
    """Return what `zoe health` complains of while it exits with 0."""
    return docker("exec", container.name, "zoe", "health").stderr.splitlines()


def wait_degraded(container: Container, reason: str) -> None:
    """Wait until the conductor's report, which it renews every few seconds, has the reason."""

    def complains() -> bool:
        return any(line.startswith("degraded: ") and reason in line for line in degraded(container))

    eventually(complains, what=f"degraded: {reason}")


def names(container: Container) -> list[str]:
    return [row["name"] for row in as_json(container, "list")]


def test_sqlite_under_load_and_targets_that_fail() -> None:
    with running("--tmpfs=/small:size=5m,uid=10001") as container:
        container.wait_healthy()
        first = backup_under_load(container)
        assert first["engine"] == "sqlite"

        secret = as_json(container, "create", ZOE_BACKUP_PASSPHRASE="correct horse")
        assert secret["name"].endswith(".enc")
        sealed = f"/data/backups/{secret['name']}"
        assert container.exit_code_of("grep", "-q", "prefect", sealed) == 1
        assert container.exit_code_of("zoe", "backup", "verify", secret["name"]) == 2
        verify = ("env", "ZOE_BACKUP_PASSPHRASE=correct horse", "zoe", "backup", "verify")
        assert "are as they were written" in container.exec(*verify, secret["name"])

        there = names(container)
        for target, reason in {"/small": "are free on the disk of", "/opt/b": "Read-only"}.items():
            create = ("env", f"ZOE_BACKUP_TARGET={target}", "zoe", "backup", "create")
            assert container.exit_code_of(*create) == 1
            wait_degraded(container, reason)
            assert container.exit_code_of("zoe", "health", "--strict") == 1
        assert names(container) == there
        assert container.exec("ls", "-A", "/small") == ""

        # Full only on the way: what was begun goes, the reason is on record.
        container.exec("sh", "-c", "head -c 4900000 /dev/zero > /small/other")
        tight = "from appliance.backup import creating; creating.RESERVE_BYTES = -10**9; "
        create_anyway = tight + "from appliance.cli import main; exit(main(['backup', 'create']))"
        assert (
            container.exit_code_of("env", "ZOE_BACKUP_TARGET=/small", "python", "-c", create_anyway)
            == 1
        )
        assert container.exec("ls", "-A", "/small") == "other\n"
        wait_degraded(container, "no space is left for the copy of the database")

        assert as_json(container, "create")["runs"] >= first["runs"]
        eventually(lambda: degraded(container) == [], what="an end of complaints")
        container.exec("python", "-c", FLIP, f"/data/backups/{first['name']}")
        assert container.exit_code_of("zoe", "backup", "verify", first["name"]) == 1
        assert container.exit_code_of("zoe", "health", "--strict") == 0


EXTERNAL = """
set -eu
mkdir -m 700 /tmp/outside
cd /tmp/outside
echo hidden > password
initdb --pgdata=data --username=zoe --pwfile=password --auth=scram-sha-256 >/dev/null
pg_ctl --pgdata=data --log=log --wait --options="-p 5999 -k /tmp/outside" start >/dev/null
export PGPASSWORD=hidden PGHOST=127.0.0.1 PGPORT=5999 PGUSER=zoe
psql --quiet --dbname=postgres --command="CREATE DATABASE prefect"
psql --quiet --dbname=prefect --command="CREATE TABLE alembic_version AS SELECT 'abc' version_num" \
  --command="CREATE TABLE flow_run AS SELECT generate_series(1, 42) id"
"""


def test_postgres_under_load_at_rest_and_outside() -> None:
    with volume() as name:
        data = (f"--volume={name}:/data", "--env=ZOE_DATABASE=postgres")
        with running(*data) as container:
            container.wait_healthy()
            made = backup_under_load(container)
            assert made["engine"] == "postgres"
            listed = container.exec(
                "sh",
                "-c",
                f"tar -xzOf /data/backups/{made['name']} database/prefect.dump | pg_restore --list",
            )
            assert "TABLE DATA public flow_run " in listed

            container.exec("sh", "-c", EXTERNAL)
            url = "postgresql://zoe:hidden@127.0.0.1:5999/prefect"
            outside = as_json(container, "create", ZOE_DATABASE=url)
            assert (outside["runs"], outside["rows"], outside["revision"]) == (42, 42, "abc")
            wrong = url.replace("hidden", "guessed")
            create = ("env", f"ZOE_DATABASE={wrong}", "zoe", "backup", "create")
            assert container.exit_code_of(*create) == 1
            wait_degraded(container, "password authentication failed")
            container.stop()
        at_rest = run_to_the_end(*data, command=["backup", "create"])
        assert at_rest.exit_code == 0, at_rest.output
        assert "MB, postgres," in at_rest.output
