"""What stands behind two hundred runs of one deployment, on a server that is a list."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse

from appliance.worker import backlog
from appliance.worker.backlog import EVERY_SECONDS, FULL_ANSWER, Backlog

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = uuid4(), uuid4(), uuid4()


class Server:
    def __init__(self, *deployments: tuple[UUID, int], seconds_apart: float = 1) -> None:
        self.now = 0.0
        self.asked = 0
        self.failure: Exception | None = None
        self.waits = False
        self.taken: set[UUID] = set()
        self.runs: list[WorkerFlowRunResponse] = []
        for deployment, count in deployments:
            for _ in range(count):
                at = BEGIN + timedelta(seconds=seconds_apart * len(self.runs))
                run = {"id": uuid4(), "flow_id": A, "deployment_id": deployment}
                made = FlowRun.model_validate({**run, "next_scheduled_start_time": at})
                self.runs.append(
                    WorkerFlowRunResponse(work_pool_id=A, work_queue_id=A, flow_run=made)
                )

    def front(self) -> list[WorkerFlowRunResponse]:
        return self.runs[:FULL_ANSWER]

    async def scheduled(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked += 1
        if self.failure:
            raise self.failure
        if self.waits:
            await asyncio.Event().wait()
        after = datetime.fromisoformat(body["scheduled_after"])
        found = [
            one
            for one in self.runs
            if one.flow_run.next_scheduled_start_time
            and one.flow_run.next_scheduled_start_time >= after
        ]
        return [one.model_dump(mode="json") for one in found[:FULL_ANSWER]]

    async def filtered(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = body["flow_runs"]["id"]["any_"]
        return [{"id": one} for one in wanted if UUID(one) not in self.taken]

    def others(self, looking: Backlog | None = None) -> list[UUID | None]:
        looking = looking or self.backlog()
        found = asyncio.run(looking.others())
        return [one.flow_run.deployment_id for one in found]

    def backlog(self) -> Backlog:
        made = Backlog(self.scheduled, self.filtered, lambda: self.now)
        made.answered(self.front())
        return made


def test_runs_of_others_are_found_behind_hundreds() -> None:
    assert Server((A, 450), (B, 1), (C, 30)).others() == [B, *[C] * backlog.OF_EACH]


def test_an_answer_that_is_not_full_has_nothing_behind_it() -> None:
    server = Server((A, FULL_ANSWER - 1))
    assert server.others() == []
    assert server.asked == 0


def test_it_looks_only_now_and_then() -> None:
    server = Server((A, 250), (B, 1))
    looking = server.backlog()
    assert server.others(looking) == [B]
    assert server.others(looking) == []
    server.now += EVERY_SECONDS
    assert server.others(looking) == [B]


def test_it_gives_up_behind_a_thousand() -> None:
    server = Server((A, 1500), (B, 1))
    assert server.others() == []
    assert server.asked == backlog.ANSWERS


def test_what_another_worker_has_taken_is_left_out() -> None:
    server = Server((A, 250), (B, 2))
    server.taken.add(server.runs[250].flow_run.id)
    assert server.others() == [B]


def test_runs_that_are_all_due_at_once_end_the_search() -> None:
    server = Server((A, 500), seconds_apart=0)
    assert server.others() == []
    assert server.asked == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), None])
def test_a_server_that_fails_or_is_slow_costs_no_round(
    failure: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "PATIENCE_SECONDS", 0.05)
    server = Server((A, 250), (B, 1))
    server.failure, server.waits = failure, failure is None
    looking = server.backlog()
    assert server.others(looking) == []
    # Nor does the next round begin with the same.
    assert server.others(looking) == []
    assert server.asked == 1
