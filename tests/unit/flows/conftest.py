"""What the tests of the flows share: the flows on the path, and a server to run them against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.unit.flows.server_process import prefect_server

FLOWS = Path(__file__).resolve().parents[3] / "flows"
# As Prefect does with the folder of an entrypoint, and Python with that of a script.
sys.path.insert(0, str(FLOWS))

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for the whole session."""
    with prefect_server(tmp_path_factory.mktemp("prefect-home")) as url:
        yield url


@pytest.fixture
def server(server_url: str) -> Iterator[str]:
    """The server, and for the time of one test the settings by which flows find it."""
    with temporary_settings({PREFECT_API_URL: server_url}):
        yield server_url
