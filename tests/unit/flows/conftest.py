"""What the tests of the flows share: the flows on the path, and a server to run them against."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

PROJECT = Path(__file__).resolve().parents[3]
FLOWS = PROJECT / "flows"
# As Prefect does with the folder of an entrypoint, and Python with that of a script; and the root,
# so that tests find their helpers.
sys.path[:0] = [str(FLOWS), str(PROJECT)]

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the whole session, in a process of its own.

    Not `prefect_test_harness`: that leaves its settings in force until it ends, here for all tests
    of the session that come after these.
    """
    home = tmp_path_factory.mktemp("prefect-home")
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


@pytest.fixture
def server(server_url: str) -> Iterator[str]:
    """The server, and for the time of one test the settings by which flows find it."""
    with temporary_settings({PREFECT_API_URL: server_url}):
        yield server_url
