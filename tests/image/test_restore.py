"""A backup comes back: on an empty volume, over a used one, and in a drill."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest

from tests.support import postgres, runs
from tests.support.container import (
    Container,
    Finished,
    docker,
    eventually,
    network,
    run_to_the_end,
    running,
    volume,
)

LONG = "echo begun; sleep 3601"
SECRET = "correct horse battery staple"
DAMAGED = "zoe-20200101T000000Z.tar.gz"
# Writes a copy of a file with one bit changed in its middle.
FLIP = (
    "import sys; data = bytearray(open(sys.argv[1], 'rb').read()); data[len(data) // 2] ^= 1; "
    "open(sys.argv[2], 'wb').write(data)"
)


def make_secret_block(client: httpx.Client) -> str:
    kind = client.get("block_types/slug/secret").raise_for_status().json()
    (schema, *_) = (
        client.post(
            "block_schemas/filter",
            json={"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}},
        )
        .raise_for_status()
        .json()
    )
    block = {
        "name": "to-be-restored",
        "data": {"value": SECRET},
        "block_type_id": kind["id"],
        "block_schema_id": schema["id"],
    }
    made = client.post("block_documents/", json=block).raise_for_status().json()
    return str(made["id"])


def pause_schedules(client: httpx.Client) -> None:
    for deployment in runs.deployments(client).values():
        for schedule in deployment["schedules"]:
            path = f"deployments/{deployment['id']}/schedules/{schedule['id']}"
            client.patch(path, json={"active": False}).raise_for_status()


def facts(client: httpx.Client, run: str) -> dict[str, Any]:
    """Return what must be the same before and after."""
    return {
        "runs": sorted(
            found["id"]
            for found in client.post("flow_runs/filter", json={}).raise_for_status().json()
        ),
        "log": [record["message"] for record in runs.logs(client, run)],
        "state": runs.state(client, run),
        "deployments": sorted(runs.deployments(client)),
    }


def begin_long_run(client: httpx.Client) -> str:
    deployment = runs.deployments(client)["run-shell-command"]["id"]
    run = runs.create_run(client, deployment, command=LONG)
    eventually(
        lambda: any(record["message"] == "begun" for record in runs.logs(client, run)),
        what="the command's first line",
    )
    return run


def restore(engine: str, old: str, new: str, *arguments: str) -> Finished:
    """Restore onto a volume from the backups of another."""
    return run_to_the_end(
        f"--env=ZOE_DATABASE={engine}",
        f"--volume={old}:/old:ro",
        f"--volume={new}:/data",
        command=["restore", *arguments],
    )


def comes_back_in_a_server_of_its_own(old: str, archive: str, runs_there: int) -> None:
    """Restore a dump into an external database: an empty one, then one that is in use."""
    where = f"--env=ZOE_DATABASE={postgres.URL}"
    count = (*postgres.ASK, "--dbname=p", "--command=SELECT count(*) FROM flow_run")
    with volume() as data, network() as net, postgres.postgres_server(net) as server:
        mounts = (f"--network={net}", f"--volume={old}:/old:ro", f"--volume={data}:/data")
        empty = run_to_the_end(where, *mounts, command=["restore", archive])
        assert empty.exit_code == 0, empty.output
        assert "hidden" not in empty.output
        assert int(server.exec(*count)) == runs_there

        server.exec(*postgres.ASK, "--dbname=p", "--command=DELETE FROM flow_run")
        # Not even readable for Zoe's user, and so none of its backups' business.
        another = "CREATE SCHEMA billing CREATE TABLE invoice (n int)"
        server.exec(*postgres.ASK, "--dbname=p", f"--command={another}")
        used = run_to_the_end(where, *mounts, command=["restore", archive])
        assert used.exit_code == 2
        assert "there is data already" in used.output
        forced = run_to_the_end(where, *mounts, command=["restore", "--force", archive])
        assert forced.exit_code == 0, forced.output
        assert "-before-restore.tar.gz" in forced.output
        assert int(server.exec(*count)) == runs_there

        with volume() as new:
            mounts = (f"--network={net}", f"--volume={old}:/old:ro", f"--volume={new}:/data")
            lost = run_to_the_end(where, *mounts, command=["restore", "--force", archive])
            assert lost.exit_code == 0, lost.output
            assert "without the secrets admin_password and encryption_key" in lost.output


def backup(container: Container) -> str:
    return str(json.loads(container.exec("zoe", "backup", "create", "--json"))["name"])


def a_drill_succeeds(container: Container, runs_there: int) -> None:
    name = backup(container)
    container.exec("python", "-P", "-m", "appliance.backup.drill")
    drill = json.loads(container.exec("cat", "/data/maintenance/drill.json"))
    assert drill["ok"], drill
    assert drill["details"]["archive"] == name
    assert drill["details"]["tables"]["flow_run"] >= runs_there
    assert container.exec("sh", "-c", "ls -d /data/.[a-z]*", check=False) == ""


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_backup_comes_back(engine: str) -> None:
    with volume() as old, volume() as new:
        with running(f"--env=ZOE_DATABASE={engine}", f"--volume={old}:/data") as container:
            container.wait_healthy()
            with container.client() as client:
                pause_schedules(client)
                simple = runs.deployments(client)["simple-print"]["id"]
                done = runs.create_run(client, simple, name="restored")
                runs.finished(client, done)
                long = begin_long_run(client)
                block = make_secret_block(client)
                before = facts(client, done)
            password = container.password()
            name = backup(container)
            archive = PurePosixPath("/data/backups", name)
            container.exec("python", "-c", FLIP, str(archive), str(archive.with_name(DAMAGED)))
            # Nothing of it may be taken along but the archive.
            docker("kill", container.name)

        over_used = restore(engine, old, old, name)
        assert over_used.exit_code == 2
        assert "there is data already" in over_used.output

        damaged = restore(engine, old, new, f"/old/backups/{DAMAGED}")
        assert damaged.exit_code == 1
        assert "damaged" in damaged.output

        # Without force: the damaged one has left nothing behind.
        restored = restore(engine, old, new, f"/old/backups/{name}")
        assert restored.exit_code == 0, restored.output
        assert "were under way" in restored.output

        with running(f"--env=ZOE_DATABASE={engine}", f"--volume={new}:/data") as container:
            container.wait_healthy()
            assert container.password() == password
            with container.client() as client:
                assert facts(client, done) == before
                found = client.get(f"block_documents/{block}", params={"include_secrets": True})
                assert found.raise_for_status().json()["data"]["value"] == SECRET
                # Its process was elsewhere.
                assert runs.finished(client, long)["type"] == "CRASHED"
            if engine == "sqlite":
                a_drill_succeeds(container, len(before["runs"]))

        if engine == "postgres":
            forced = restore(engine, old, new, "--force", f"/old/backups/{name}")
            assert forced.exit_code == 0, forced.output
            assert "-before-restore.tar.gz" in forced.output
            assert "what was there is kept in /data/replaced-" in forced.output
            comes_back_in_a_server_of_its_own(old, f"/old/backups/{name}", len(before["runs"]))
