"""A hundred clients at once: no answer above 499, whichever database is below."""

from __future__ import annotations

import asyncio
import collections

import httpx
import pytest

from tests.support.container import running

CLIENTS = 100
RUNS_EACH = 4
STATES = ("PENDING", "RUNNING", "COMPLETED")


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_hundred_clients_that_create_runs_and_set_states(engine: str) -> None:
    with running(
        f"--env=ZOE_DATABASE={engine}", "--env=ZOE_COMPONENTS=database,server"
    ) as container:
        container.wait_healthy()
        auth = httpx.BasicAuth("admin", container.password())
        statuses = asyncio.run(_load(f"{container.url}/api/", auth))
        assert sum(statuses.values()) == CLIENTS * RUNS_EACH * (1 + len(STATES))
        assert max(statuses) <= 499, statuses
        assert max(statuses) < 300, statuses
        with container.client() as client:
            count = client.post(
                "flow_runs/count",
                json={"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}},
            ).json()
        assert count == CLIENTS * RUNS_EACH
        assert container.exit_code_of("zoe", "health") == 0


async def _load(url: str, auth: httpx.BasicAuth) -> collections.Counter[int]:
    statuses: collections.Counter[int] = collections.Counter()
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=url, auth=auth, timeout=120, limits=limits) as client:
        flow = (await client.post("flows/", json={"name": "load"})).raise_for_status().json()

        async def one_client() -> None:
            for _ in range(RUNS_EACH):
                made = await client.post("flow_runs/", json={"flow_id": flow["id"]})
                statuses[made.status_code] += 1
                for state in STATES:
                    path = f"flow_runs/{made.json()['id']}/set_state"
                    answer = await client.post(path, json={"state": {"type": state}})
                    statuses[answer.status_code] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(one_client())
    return statuses
