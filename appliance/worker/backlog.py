"""What stands behind a full answer of the server: runs of deployments that are not in it at all.

The server answers the oldest two hundred runs. Where all of them are of one deployment, nobody
else's could be taken in turn; see `appliance.worker.fairness`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from prefect.client.schemas.responses import WorkerFlowRunResponse

# The most that the server answers at once. (PREFECT_SERVER_API_DEFAULT_LIMIT, Prefect 3.8.8)
FULL_ANSWER = 200
# How many answers to look at, and how often: each costs the server a third of a second.
ANSWERS = 4
EVERY_SECONDS = 5.0
# Nothing is worth waiting longer while there is something to take.
PATIENCE_SECONDS = 3.0
# As many of each deployment as could find a place at once.
OF_EACH = 10

# A body, and the content of the answer.
Ask = Callable[[dict[str, Any]], Awaitable[Any]]


class Backlog:
    """Looks behind full answers, from time to time.

    Args:
        scheduled: Asks for the work pool's scheduled runs.
        runs: Asks for runs by a filter.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self, scheduled: Ask, runs: Ask, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._scheduled = scheduled
        self._runs = runs
        self._clock = clock
        self._not_before = 0.0
        self._front: Sequence[WorkerFlowRunResponse] = ()

    def answered(self, front: Sequence[WorkerFlowRunResponse]) -> None:
        """Take note of the server's answer to the worker's own question."""
        self._front = front if len(front) >= FULL_ANSWER else ()

    async def others(self) -> list[WorkerFlowRunResponse]:
        """Return runs of deployments that the last answer did not hold; often none.

        Ask the worker's own question afterwards: these were there to be taken a moment before.
        """
        if not self._front or self._clock() < self._not_before:
            return []
        self._not_before = self._clock() + EVERY_SECONDS
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._still_waiting(await self._behind(self._front))
        except (TimeoutError, httpx.HTTPError):
            # The worker's own question will have the same fate, and says so.
            return []

    async def _behind(self, front: Sequence[WorkerFlowRunResponse]) -> list[WorkerFlowRunResponse]:
        taken: dict[Any, int] = dict.fromkeys(
            (one.flow_run.deployment_id for one in front), OF_EACH
        )
        seen = {one.flow_run.id for one in front}
        found: list[WorkerFlowRunResponse] = []
        answer = front
        for _ in range(ANSWERS):
            body = {
                "scheduled_before": str(datetime.now(UTC)),
                "scheduled_after": str(answer[-1].flow_run.next_scheduled_start_time),
            }
            answer = [
                WorkerFlowRunResponse.model_validate(one) for one in await self._scheduled(body)
            ]
            fresh = [one for one in answer if one.flow_run.id not in seen]
            seen.update(one.flow_run.id for one in fresh)
            for one in fresh:
                deployment = one.flow_run.deployment_id
                taken[deployment] = taken.get(deployment, 0) + 1
                if taken[deployment] <= OF_EACH:
                    found.append(one)
            if not fresh or len(answer) < FULL_ANSWER:
                break
        return found

    async def _still_waiting(
        self, found: list[WorkerFlowRunResponse]
    ) -> list[WorkerFlowRunResponse]:
        """Leave out what another worker has taken meanwhile."""
        if not found:
            return []
        ids = [str(one.flow_run.id) for one in found[:FULL_ANSWER]]
        query = {"flow_runs": {"id": {"any_": ids}, "state": {"type": {"any_": ["SCHEDULED"]}}}}
        waiting = {run["id"] for run in await self._runs(query)}
        return [one for one in found if str(one.flow_run.id) in waiting]
