from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.bench.subjects.subject import is_served

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "seen_after", "served"),
    [("ONLINE", 1, True), ("OFFLINE", 1, False), ("ONLINE", -1, False)],
)
def test_a_worker_of_a_former_life_does_not_count(
    status: str, seen_after: int, served: bool
) -> None:
    seen = (BEGAN + timedelta(seconds=seen_after)).isoformat()
    workers = [{"status": status, "last_heartbeat_time": seen}]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=workers))
    with httpx.Client(base_url="http://server/api/", transport=transport) as client:
        assert is_served(client, BEGAN) is served


def test_a_pool_that_is_not_there_is_not_served() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404))
    with httpx.Client(base_url="http://server/api/", transport=transport) as client:
        assert not is_served(client, BEGAN)
