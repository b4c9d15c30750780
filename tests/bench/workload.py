"""Flow runs as a light client makes them: create, then ask for one count a second."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from tests.bench.model import Variant
from tests.bench.subjects.starting import started
from tests.bench.subjects.subject import POOL, PROJECT, Subject, Wanted

ASK_SECONDS = 1.0
# Without anything that ends for so long, nothing will.
STANDSTILL_SECONDS = 180.0
PAGE_RUNS = 200
TRIES = 10
RETRY_SECONDS = 1.0
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Run:
    """A flow run by the server's clock, in seconds since the epoch; None for what never was."""

    state: str
    created: float
    started: float | None
    ended: float | None


def ask(client: httpx.Client, path: str, body: Mapping[str, Any]) -> Any:
    """Return the answer's JSON; ask again where the server was too busy, as Prefect's client does.

    Stock on SQLite answers 503 where it is written to at once.
    """
    for _ in range(TRIES):
        answer = client.post(path, json=body)
        if not answer.is_server_error:
            break
        time.sleep(RETRY_SECONDS)
    return answer.raise_for_status().json()


def deploy(client: httpx.Client, flow: str, variant: Variant) -> str:
    """Register a deployment of one of the bench's flows, the same way with all; return its id."""
    made = ask(client, "flows/", {"name": flow})
    step = {"prefect.deployments.steps.set_working_directory": {"directory": PROJECT}}
    command = {"command": "python -m prefect.engine"} if variant is Variant.TUNED else {}
    body = {
        "name": flow,
        "flow_id": made["id"],
        "entrypoint": f"{flow}.py:{flow}",
        "pull_steps": [step],
        "work_pool_name": POOL,
        "job_variables": command,
        "enforce_parameter_schema": False,
    }
    return str(ask(client, "deployments/", body)["id"])


def create(client: httpx.Client, deployment: str, **parameters: Any) -> str:
    """Ask for a run now; return its id."""
    path = f"deployments/{deployment}/create_flow_run"
    return str(ask(client, path, {"parameters": parameters})["id"])


@dataclass(frozen=True)
class Served:
    """A subject that has executed one run of a flow, so that nothing is done for the first time."""

    subject: Subject
    client: httpx.Client
    deployment: str


@contextmanager
def serving(wanted: Wanted, flow: str, first: Mapping[str, Any] | None = None) -> Iterator[Served]:
    """Start what is wanted with a deployment of a flow, and run it once."""
    with started(wanted) as subject, subject.client() as client:
        deployment = deploy(client, flow, wanted.variant)
        create(client, deployment, **(first or {}))
        ended(client, deployment, 1)
        yield Served(subject, client, deployment)


def count(client: httpx.Client, deployment: str, states: Sequence[str]) -> int:
    """Return how many of a deployment's runs are in one of these states."""
    body = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": list(states)}}},
    }
    number: int = client.post("flow_runs/count", json=body).raise_for_status().json()
    return number


def ended(
    client: httpx.Client, deployment: str, wanted: int, states: Sequence[str] = TERMINAL
) -> list[float]:
    """Wait until that many runs have come to one of these states, or nothing moves any more.

    Returns:
        How long the server took to answer each question, in seconds.
    """
    latencies: list[float] = []
    best, moved = -1, time.monotonic()
    while best < wanted and time.monotonic() - moved < STANDSTILL_SECONDS:
        asked = time.monotonic()
        try:
            now = count(client, deployment, states)
        except httpx.HTTPError:
            # A server that answers 503, or not at all, is one that is slow; the run goes on.
            now = best
        latencies.append(time.monotonic() - asked)
        if now > best:
            best, moved = now, time.monotonic()
        if best < wanted:
            time.sleep(max(0.0, ASK_SECONDS - latencies[-1]))
    return latencies


def runs(client: httpx.Client, deployment: str) -> list[Run]:
    """Return all runs of a deployment in the order in which they were made."""
    found: list[dict[str, Any]] = []
    while True:
        body = {
            "deployments": {"id": {"any_": [deployment]}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": PAGE_RUNS,
            "offset": len(found),
        }
        page = ask(client, "flow_runs/filter", body)
        found += page
        if len(page) < PAGE_RUNS:
            return sorted(map(_run, found), key=lambda run: run.created)


def _run(entry: Mapping[str, Any]) -> Run:
    return Run(
        state=entry["state_type"],
        created=datetime.fromisoformat(entry["created"]).timestamp(),
        started=_moment(entry["start_time"]),
        ended=_moment(entry["end_time"]),
    )


def _moment(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()
