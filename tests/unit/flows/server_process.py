"""A Prefect server for tests, in a process of its own.

Not `prefect_test_harness`: that leaves its settings in force until it ends, which for a server that
many tests share means for all tests of the session that come after these, whoever's they are.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """Start a server on a free port and stop it at the end.

    Args:
        home: An empty directory for all that it keeps.

    Yields:
        The address of its API.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
    with (
        (home / "server.log").open("wb") as log,
        subprocess.Popen(
            [*command, "--port", str(port)], env=environment, stdout=log, stderr=log
        ) as server,
    ):
        url = f"http://127.0.0.1:{port}/api"
        try:
            _wait_until_healthy(url, server, home / "server.log")
            yield url
            # What Prefect still has to send, in the background, it would try to send for a minute.
            APILogWorker.drain_all()
            EventsWorker.drain_all()
        finally:
            server.terminate()


def _wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"The server did not become healthy:\n{log.read_text()}")
