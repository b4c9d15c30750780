"""From SQLite to Postgres with a well-used database, killed half way, and what stays small."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.support import population
from tests.support.container import (
    HARDENED,
    IMAGE,
    Container,
    docker,
    eventually,
    network,
    run_to_the_end,
    running,
    volume,
)
from tests.support.postgres import ASK, URL, postgres_server

RUNS = 1000
# Enough for the copy of this table to be met half way.
LOGS = 100_000
# Without a project nothing is scheduled, and counts stand still.
NO_PROJECT = "--env=ZOE_PROJECTS=/data"
SQLITE_FILE = "/data/database/prefect.db"
COUNTED = ("flow_runs", "task_runs", "flows", "artifacts", "automations", "variables")
SECRET_BLOCK = "kept"


def populate(*where: str, runs: int, logs: int, days: int) -> None:
    """Add rows to a volume's database by a program that `docker exec` or `docker run` starts."""
    subprocess.run(
        ["docker", *where, "python", "-", SQLITE_FILE, str(runs), str(logs), str(days)],
        input=Path(population.__file__).read_bytes(),
        check=True,
    )


def counts(api: httpx.Client) -> dict[str, int]:
    found = {}
    for name in COUNTED:
        answer = api.post(f"/{name}/count", json={})
        assert answer.is_success, answer.text
        found[name] = answer.json()
    return found


def make_secret(api: httpx.Client) -> None:
    kind = api.get("/block_types/slug/secret").raise_for_status().json()
    schemas = api.post(
        "/block_schemas/filter", json={"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}}
    ).json()
    block = {
        "name": SECRET_BLOCK,
        "data": {"value": "a secret"},
        "block_schema_id": schemas[0]["id"],
        "block_type_id": kind["id"],
    }
    api.post("/block_documents/", json=block).raise_for_status()


def secret(api: httpx.Client) -> str:
    url = f"/block_types/slug/secret/block_documents/name/{SECRET_BLOCK}"
    answer = api.get(url, params={"include_secrets": True}).raise_for_status().json()
    return str(answer["data"]["value"])


def reach(promotion: Container, line: str) -> None:
    """Wait until the promotion says it; fail at once if it ends without having done so."""
    eventually(lambda: line in promotion.logs() or not promotion.is_running(), what=line)
    assert line in promotion.logs(), promotion.logs()


def files(data: str) -> set[str]:
    listing = run_to_the_end(
        f"--volume={data}:/data",
        "--entrypoint=sh",
        command=["-c", "ls -A /data /data/database"],
    )
    return set(listing.output.split())


def logs_of_a_run(api: httpx.Client) -> list[dict[str, Any]]:
    run = api.post("/flow_runs/filter", json={"limit": 1, "sort": "NAME_ASC"}).json()[0]
    query = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "TIMESTAMP_ASC"}
    found: list[dict[str, Any]] = api.post("/logs/filter", json=query).raise_for_status().json()
    return sorted(found, key=lambda line: str(line["id"]))


def test_promotion_to_the_embedded_postgres_also_when_killed_half_way() -> None:
    with volume() as data:
        mounted = (f"--volume={data}:/data", NO_PROJECT)
        with running(*mounted) as sqlite:
            sqlite.wait_healthy()
            populate("exec", "-i", sqlite.name, runs=RUNS, logs=LOGS, days=1)
            with sqlite.client() as api:
                make_secret(api)
                before, lines = counts(api), logs_of_a_run(api)
            in_use = run_to_the_end(*mounted, command=["promote", "--to", "postgres"])
            assert in_use.exit_code == 2
            assert "stop that one" in in_use.output
            sqlite.stop()

        unpromoted = run_to_the_end(*mounted, "--env=ZOE_DATABASE=postgres")
        assert unpromoted.exit_code == 2
        assert "zoe promote --to postgres" in unpromoted.output

        with running(*mounted, command=["promote", "--to", "postgres"]) as promotion:
            reach(promotion, "copying log:")
            docker("kill", promotion.name)
            assert "promoted" not in promotion.logs()
        left = files(data)
        assert "prefect.db" in left
        assert not {"postgres", "promoted.json"} & left

        done = run_to_the_end(*mounted, command=["promote", "--to", "postgres"])
        assert done.exit_code == 0, done.output
        assert f"verified log: {LOGS:,} rows are equal" in done.output
        assert "now set ZOE_DATABASE to postgres" in done.output
        left = files(data)
        assert "prefect.db" not in left
        assert not [name for name in left if name.startswith(".postgres")]
        assert [name for name in left if name.startswith("prefect-promoted-")]

        forgotten = run_to_the_end(*mounted)
        assert forgotten.exit_code == 2
        assert "was promoted from SQLite to postgres" in forgotten.output

        with running(*mounted, "--env=ZOE_DATABASE=postgres") as promoted:
            promoted.wait_healthy()
            with promoted.client() as api:
                assert counts(api) == before
                assert logs_of_a_run(api) == lines
                assert secret(api) == "a secret"
            with promoted.client(authenticated=False) as ui:
                assert "<html" in ui.get(promoted.url).text


def test_promotion_to_a_postgres_of_the_operator_s_own() -> None:
    with volume() as data, network() as net, postgres_server(net) as server:
        mounted = (f"--volume={data}:/data", f"--network={net}", NO_PROJECT)
        install = (
            "from pathlib import Path; from appliance.database.templates import install_sqlite; "
            f"install_sqlite(Path('/opt/zoe/templates'), Path('{SQLITE_FILE}'))"
        )
        run_to_the_end(*mounted, "--entrypoint=python", command=["-c", install])
        populate(
            *("run", "--rm", "-i", *HARDENED, f"--volume={data}:/data"),
            *("--entrypoint=env", IMAGE),
            runs=50,
            logs=500,
            days=1,
        )
        promote = (*mounted, f"--env=ZOE_DATABASE={URL}")
        with running(*promote, command=["promote"]) as stopped:
            reach(stopped, "making Prefect's tables")
            stopped.stop()
            assert stopped.wait_exit() == 1
            assert "SQLite is still in charge" in stopped.logs()
        tables = "--command=SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert server.exec(*ASK, "--dbname=p", tables).strip() == "0"

        done = run_to_the_end(*promote, command=["promote"])
        assert done.exit_code == 0, done.output
        assert "verified flow_run: 50 rows are equal" in done.output
        assert "hidden" not in done.output

        # As if it had been killed at its very end.
        mark = "SET ROLE zoe; CREATE TABLE zoe_promotion (before text, copied text)"
        server.exec(*ASK, "--dbname=p", f"--command={mark}")
        with running(*promote) as promoted:
            promoted.wait_healthy()
            marked = "--command=SELECT to_regclass('zoe_promotion') IS NOT NULL"
            assert server.exec(*ASK, "--dbname=p", marked).strip() == "f"
            with promoted.client() as api:
                assert counts(api)["flow_runs"] == 50
                assert logs_of_a_run(api)


def test_old_runs_go_with_all_that_is_theirs_and_the_file_shrinks() -> None:
    with running(
        NO_PROJECT,
        "--env=ZOE_RETENTION_RUNS=2",
        "--env=PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS=2",
    ) as container:
        container.wait_healthy()
        populate("exec", "-i", container.name, runs=10, logs=100, days=1)
        populate("exec", "-i", container.name, runs=400, logs=40_000, days=3)
        with container.client() as api:
            eventually(lambda: counts(api)["flow_runs"] == 10, what="old runs are removed")
            count = (
                "import sqlite3; c = sqlite3.connect('/data/database/prefect.db'); "
                "print(*(c.execute('SELECT count(*) FROM ' + t).fetchone()[0] "
                "for t in ('log', 'task_run', 'flow_run_state', 'task_run_state')))"
            )
            eventually(
                lambda: container.exec("python", "-c", count).split() == ["100", "10", "10", "10"],
                what="logs, task runs and states of old runs are removed",
            )
            large = int(container.exec("stat", "--format=%s", SQLITE_FILE))
            container.exec("python", "-P", "-m", "appliance.database.shrink")
            small = int(container.exec("stat", "--format=%s", SQLITE_FILE))
            assert small < large / 2, (small, large)
            assert counts(api)["flow_runs"] == 10
            incremental = (
                "import sqlite3; c = sqlite3.connect('/data/database/prefect.db'); "
                "print(*c.execute('PRAGMA auto_vacuum').fetchone())"
            )
            assert container.exec("python", "-c", incremental).strip() == "2"
        outcome = container.exec("cat", "/data/maintenance/shrink.json")
        assert '"ok": true' in outcome
        assert "from " in outcome
