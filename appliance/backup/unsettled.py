"""Flow runs that were under way when a backup was made, and have no process where it is restored.

They are written into the ledger as taken and never begun by a process. So the first worker that
starts on the restored data settles them as it settles what a death has left: by `ZOE_ON_CRASH`.
A subflow that ran in its parent's process is settled with that one.

Each carries the mark of the machine that had it. Those of the machine that made the backup are
settled at once; those of others may be going on there, and are for the watch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import asyncpg

from appliance.layout import Layout
from appliance.worker.ledger import Ledger
from appliance.worker.settling import UNSETTLED

STATES = tuple(sorted(UNSETTLED))
OWN_PROCESS = "(parent_task_run_id IS NULL OR deployment_id IS NOT NULL)"


def in_sqlite(database: Path) -> list[str]:
    """Return the ids of the flow runs of an SQLite file that are under way."""
    marks = ", ".join("?" * len(STATES))
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(
            f"SELECT id FROM flow_run WHERE state_type IN ({marks}) AND {OWN_PROCESS}",  # noqa: S608 - ours, and question marks
            STATES,
        )
        return [str(row[0]) for row in found]


async def in_postgres(connection: asyncpg.Connection) -> list[str]:
    """Return the ids of the flow runs of a Postgres database that are under way."""
    found = await connection.fetch(
        f"SELECT id FROM flow_run WHERE state_type::text = ANY($1::text[]) AND {OWN_PROCESS}",  # noqa: S608 - ours
        list(STATES),
    )
    return [str(row[0]) for row in found]


def note(layout: Layout, flow_runs: Iterable[str], *, shared_by: str | None = None) -> None:
    """Write them into the ledger of a data directory that an archive was unpacked into.

    Args:
        layout: The data directory.
        flow_runs: Their ids.
        shared_by: Where other machines may use the restored database, the identity of the ledger
            that this machine had: whether the backup's machine is gone, is known only if it is this
            one. None where the database is for nobody but the server here.
    """
    archived = layout.archived_ledger.read_text() if layout.archived_ledger.exists() else ""
    restored_from = archived if shared_by in {None, archived} else ""
    ledger = Ledger(layout.ledger)
    for flow_run in flow_runs:
        ledger.note(flow_run, restored_from=restored_from)
