"""`make chaos`: containers for the table, and the page at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chaos import record
from tests.support.chaos.cells import Containers


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    kept = Containers()
    yield kept
    kept.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Renew the page, from this run and what earlier ones have left on record."""
    # With tests side by side each helper has a session, and the page is for the one that waits.
    if not hasattr(session.config, "workerinput"):
        record.write_page()
