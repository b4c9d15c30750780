"""One container for all tests that only look; who kills or changes one starts its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.container import Container, running


@pytest.fixture(scope="session")
def appliance() -> Iterator[Container]:
    with running() as container:
        container.wait_healthy()
        yield container


@pytest.fixture(scope="session")
def api(appliance: Container) -> Iterator[httpx.Client]:
    with appliance.client() as client:
        yield client
