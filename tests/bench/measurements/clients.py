"""Many API clients at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from functools import partial

import httpx

from tests.bench.bench import Bench
from tests.bench.model import SERVER_ONLY, Better, Measurement, Metric, Samples, Summary, Variant
from tests.bench.subjects.starting import started

STATES = ("PENDING", "RUNNING", "COMPLETED")
NO_ANSWER = 599


def take(engine: str, bench: Bench, variant: Variant) -> Samples:
    wanted = replace(bench.wanted(variant), engine=engine, worker=False)
    with started(wanted) as subject:
        time.sleep(bench.scale.settle_seconds)
        began = time.monotonic()
        statuses = asyncio.run(
            _load(subject.url(), subject.auth, bench.scale.clients, bench.scale.runs_each)
        )
        seconds = time.monotonic() - began
    return figures(statuses, seconds)


def figures(statuses: Counter[int], seconds: float) -> Samples:
    """Return the share of bad answers and the rate of good ones."""
    bad = sum(number for status, number in statuses.items() if status > 499)
    every = statuses.total()
    return {"errors": [100 * bad / every], "rate": [(every - bad) / seconds]}


async def _load(
    url: str, auth: httpx.BasicAuth | None, clients: int, runs_each: int
) -> Counter[int]:
    statuses: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, auth=auth, timeout=120, limits=limits) as client:
        flow = (await client.post("flows/", json={"name": "load"})).raise_for_status().json()

        async def ask(path: str, body: dict[str, object]) -> httpx.Response | None:
            try:
                answer = await client.post(path, json=body)
            except httpx.TransportError:
                statuses[NO_ANSWER] += 1
                return None
            statuses[answer.status_code] += 1
            return answer if answer.is_success else None

        async def one_client() -> None:
            for _ in range(runs_each):
                made = await ask("flow_runs/", {"flow_id": flow["id"]})
                if made is not None:
                    for state in STATES:
                        path = f"flow_runs/{made.json()['id']}/set_state"
                        await ask(path, {"state": {"type": state}})

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(one_client())
    return statuses


def _measurement(engine: str, title: str) -> Measurement:
    return Measurement(
        name=f"clients-{engine}",
        title=f"Many API clients at once, {title}",
        method="each of {scale.clients} creates {scale.runs_each} flow runs and sets three "
        "states of each, one request after the other, and asks nothing twice. Errors "
        "are answers above 499 and none at all; the rate is that of the others.",
        metrics=(
            Metric("errors", f"many clients, {title}: errors", "%", Better.LESS, Summary.WORST),
            Metric("rate", f"many clients, {title}: good answers", "1/s", Better.MORE),
        ),
        variants=SERVER_ONLY,
        take=partial(take, engine),
    )


ON_SQLITE = _measurement("sqlite", "SQLite")
ON_POSTGRES = _measurement("postgres", "Postgres")
