"""Clients that create flow runs for as long as somebody answers, and remember what was promised."""

from __future__ import annotations

import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import httpx

from tests.support.container import Container, eventually

PASSWORD = "chaos reigns"
AUTH = httpx.BasicAuth("admin", PASSWORD)
# An answer that has not come by then is none; what it would have promised is nobody's.
PATIENCE_SECONDS = 20


class Creations:
    """Flow runs, due tomorrow, that were asked for while anything may happen to the server.

    A run counts when the API has answered 2xx for it: from then on it must be there.

    Args:
        container: The server's; it may be down, and be started again on another port.
        clients: How many ask at a time.
        limit: How many runs are enough.
        pause: Seconds between two requests of a client.
    """

    def __init__(
        self, container: Container, *, clients: int = 1, limit: int = 200, pause: float = 0.05
    ) -> None:
        self._container = container
        self._limit = limit
        self._pause = pause
        self._lock = threading.Lock()
        self._acknowledged: list[str] = []
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    @property
    def acknowledged(self) -> list[str]:
        """The ids of the runs that the API has promised so far."""
        with self._lock:
            return list(self._acknowledged)

    def wait_for(self, count: int) -> None:
        """Wait until so many were acknowledged."""
        eventually(
            lambda: len(self.acknowledged) >= count, what=f"{count} acknowledged runs", pause=0.001
        )

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._enough.is_set():
            try:
                with client(self._container) as http:
                    self._create(http)
            except (httpx.HTTPError, subprocess.CalledProcessError, IndexError):
                # The server, its container or its port is not there just now.
                time.sleep(self._pause)

    def _create(self, http: httpx.Client) -> None:
        flow = str(_answered(http.post("flows/", json={"name": "promised"}))["id"])
        while not self._enough.is_set():
            run = create(http, flow)
            with self._lock:
                self._acknowledged.append(run)
                if len(self._acknowledged) >= self._limit:
                    self._enough.set()
            time.sleep(self._pause)


def client(container: Container) -> httpx.Client:
    """Return a client of a container whose password is PASSWORD; it asks the container nothing."""
    return httpx.Client(base_url=f"{container.url}/api", auth=AUTH, timeout=PATIENCE_SECONDS)


def missing(http: httpx.Client, promised: list[str]) -> list[str]:
    """Return those of the promised runs that the server does not know."""
    unknown = set(promised)
    for begin in range(0, len(promised), 200):
        body = {"flow_runs": {"id": {"any_": promised[begin : begin + 200]}}, "limit": 200}
        unknown -= {run["id"] for run in _answered_list(http.post("flow_runs/filter", json=body))}
    return sorted(unknown)


def create(http: httpx.Client, flow_id: str) -> str:
    """Create a run that is due tomorrow; return its id once the API has acknowledged it."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": tomorrow.isoformat()}}
    return str(_answered(http.post("flow_runs/", json={"flow_id": flow_id, "state": state}))["id"])


def _answered(answer: httpx.Response) -> dict[str, object]:
    found: dict[str, object] = answer.raise_for_status().json()
    return found


def _answered_list(answer: httpx.Response) -> list[dict[str, str]]:
    found: list[dict[str, str]] = answer.raise_for_status().json()
    return found
