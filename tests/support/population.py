"""A well-used database: rows of every kind, among them what only SQLite puts up with.

Standard library only, so that it also runs inside a container:
`python - FILE RUNS LOGS DAYS < population.py`.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

MESSAGES = (
    "plain",
    "na\u00efve \u2013 \U0001f600 'quoted' \"twice\" \\ back\nnext line\ttab",
    "",
    "a NUL \x00 inside",
)
# Text as it lies in a column declared JSON; SQLite turns what looks like a number into one.
JSON_VALUES = (
    '{"b": 1, "a": [1.0, 0.1, 1e22, null, true]}',
    "5",
    "1.5",
    '"text"',
    "true",
    "null",
    '{"not a number": NaN, "too much": [Infinity, -Infinity]}',
    '{"nul": "\\u0000", "half": "\\ud83d", "whole": "\\ud83d\\ude00"}',
    '{"big": 123456789012345678901234567890}',
    None,
)
# Scalars only: with anything else Prefect answers no question about flows.
LABELS = '{"b": 1, "a": 1.0, "c": true, "d": "text"}'
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def populate(path: str, runs: int, logs: int, *, age: timedelta = timedelta(days=1)) -> None:
    """Add finished flow runs with states and task runs, logs, artifacts, blocks, automations.

    Args:
        path: A SQLite database with Prefect's schema.
        runs: How many flow runs.
        logs: How many lines of log, spread over the runs.
        age: How long ago the runs ended.
    """
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        _populate(connection, runs, logs, datetime.now(UTC) - age)
        connection.commit()


def _populate(connection: sqlite3.Connection, runs: int, logs: int, end: datetime) -> None:
    connection.execute("PRAGMA defer_foreign_keys = ON")
    flow = _insert(connection, "flow", name=f"flow {uuid.uuid4()}", labels=LABELS)
    run_ids = [str(uuid.uuid4()) for _ in range(runs)]
    for number, run in enumerate(run_ids):
        _run(connection, flow, run, number, end)
    for number, value in enumerate(JSON_VALUES):
        name = f"population_{number}_{uuid.uuid4().hex}"
        _insert(connection, "variable", name=name, value=value)
        _insert(connection, "artifact", key=None, data=value, flow_run_id=run_ids[0])
        _insert(
            connection,
            "automation",
            name=name,
            description=MESSAGES[1],
            trigger=json.dumps(_trigger(number)),
            actions="[]",
            enabled=number % 2,
        )
    connection.executemany(
        "INSERT INTO log (id, name, level, flow_run_id, message, timestamp) VALUES (?,?,?,?,?,?)",
        _logs(run_ids, logs, end),
    )


def _run(connection: sqlite3.Connection, flow: str, run: str, number: int, end: datetime) -> None:
    state, task, task_state = (str(uuid.uuid4()) for _ in range(3))
    moment = _stored(end - timedelta(seconds=number))
    _insert(
        connection,
        "flow_run",
        id=run,
        name=f"run {number}",
        flow_id=flow,
        state_id=state,
        state_type="COMPLETED",
        state_name="Completed",
        start_time=moment,
        end_time=moment,
        parameters=json.dumps({"number": number}),
        total_run_time=_stored(EPOCH + timedelta(seconds=number, microseconds=5)),
        created_by='{"id": null, "type": "SCHEDULE", "display_value": null}',
    )
    _insert(
        connection,
        "flow_run_state",
        id=state,
        type="COMPLETED",
        name="Completed",
        message=MESSAGES[number % len(MESSAGES)],
        flow_run_id=run,
        timestamp=moment,
    )
    _insert(
        connection,
        "task_run",
        id=task,
        name="task",
        task_key="task",
        dynamic_key="0",
        flow_run_id=run,
        state_id=task_state,
        state_type="COMPLETED",
        state_name="Completed",
    )
    _insert(
        connection,
        "task_run_state",
        id=task_state,
        type="COMPLETED",
        name="Completed",
        task_run_id=task,
    )


def _trigger(number: int) -> dict[str, Any]:
    return {
        "type": "event",
        "id": str(uuid.uuid4()),
        "match": {},
        "match_related": {},
        "after": [],
        "expect": [f"never.{number}"],
        "for_each": [],
        "posture": "Reactive",
        "threshold": 1,
        "within": 0.0,
    }


def _logs(run_ids: list[str], logs: int, end: datetime) -> Iterator[tuple[Any, ...]]:
    moment = _stored(end)
    for number in range(logs):
        message = MESSAGES[number % len(MESSAGES)] + f" {number}"
        yield (
            str(uuid.uuid4()),
            "prefect.flow_runs",
            20,
            run_ids[number % len(run_ids)],
            message,
            moment,
        )


def _stored(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _insert(connection: sqlite3.Connection, table: str, **values: Any) -> str:
    values.setdefault("id", str(uuid.uuid4()))
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - names of our own
        tuple(values.values()),
    )
    return str(values["id"])


if __name__ == "__main__":
    file, number_of_runs, number_of_logs, days = sys.argv[1:]
    populate(file, int(number_of_runs), int(number_of_logs), age=timedelta(days=int(days)))
