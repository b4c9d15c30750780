"""What must hold after every disaster."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx

from tests.support import runs
from tests.support.chaos import creations, programs
from tests.support.container import Container, docker, eventually

# Every page and every index, then every reference from one table to another.
_SQLITE = """
import contextlib, sqlite3
with contextlib.closing(sqlite3.connect("/data/database/prefect.db", timeout=60)) as connection:
    print(*[row[0] for row in connection.execute("PRAGMA integrity_check")])
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    print("references ok" if not broken else broken)
"""
# Every heap, every B-tree, every tuple of the heap in its index; the extension comes with Postgres.
_POSTGRES = (
    "pg_amcheck --host=/tmp/zoe/postgres --username=prefect --database=prefect "
    "--install-missing --heapallindexed"
)
# What a program leaves that was killed while it made something to be renamed into place.
_LITTER = "find /data -xdev -mindepth 1 -maxdepth 2 -name '.*' -not -path '/data/prefect/*'"
UNSETTLED = ["PENDING", "RUNNING", "CANCELLING"]


def database_is_sound(container: Container, engine: str) -> None:
    """Let the database look at itself, page by page."""
    if engine == "sqlite":
        said = container.exec("python", "-c", _SQLITE).splitlines()
        assert said == ["ok", "references ok"], said
        return
    done = docker("exec", container.name, "sh", "-c", _POSTGRES, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout.strip(), done.stdout


def nothing_is_missing(http: httpx.Client, promised: list[str]) -> None:
    """Every run that the API has acknowledged is there."""
    missing = creations.missing(http, promised)
    assert not missing, f"{len(missing)} of {len(promised)} acknowledged runs are missing"


def everything_is_at_rest(
    container: Container, http: httpx.Client, started: list[str]
) -> Counter[str]:
    """Wait until no run claims to be going on and none has a process; count what became of some.

    Args:
        container: The container.
        http: Its API.
        started: The runs whose ends are counted; each must have one, or be scheduled again.
    """

    def going_on() -> list[dict[str, Any]]:
        body = {"flow_runs": {"state": {"type": {"any_": UNSETTLED}}}, "limit": 200}
        found: list[dict[str, Any]] = http.post("flow_runs/filter", json=body).json()
        return [{"id": run["id"], "state": run["state_type"]} for run in found]

    def at_rest() -> bool:
        return not going_on() and not programs.flow_runs(container)

    try:
        eventually(at_rest, what="the end of all runs")
    except AssertionError as error:
        ledger = container.exec("sh", "-c", "cat /data/worker/runs/*", check=False)
        left = {
            "without an end": going_on(),
            "processes": sorted(programs.flow_runs(container)),
            "ledger": ledger,
        }
        raise AssertionError(f"{error}: {json.dumps(left)}") from None
    ends = Counter(runs.state(http, run)["type"] for run in started)
    strange = ends.keys() - runs.TERMINAL - {"SCHEDULED"}
    assert not strange, ends
    return ends


def nothing_is_left_behind(container: Container) -> None:
    """No half-made file lies about, though its maker was killed."""
    litter = container.exec("sh", "-c", _LITTER).split()
    assert not litter, litter
