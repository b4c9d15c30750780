"""What Prefect's server makes of a Postgres whose socket nobody listens on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prefect.server.api.server import is_client_retryable_exception
from prefect.server.database.configurations import AsyncPostgresConfiguration

from appliance.database.away import PatientPostgresConfiguration


def error_of(configuration: AsyncPostgresConfiguration) -> Exception:
    async def connect() -> None:
        # The engine is asked for twice, as the server does.
        await configuration.engine()
        engine = await configuration.engine()
        try:
            async with engine.connect():
                pass
        finally:
            await engine.dispose()

    with pytest.raises(Exception) as caught:  # noqa: PT011 - the kind is what the tests look at
        asyncio.run(connect())
    return caught.value


def url(directory: Path) -> str:
    return f"postgresql+asyncpg://prefect@/prefect?host={directory}"


def test_an_absent_database_is_answered_with_try_again(tmp_path: Path) -> None:
    error = error_of(PatientPostgresConfiguration(url(tmp_path)))
    assert is_client_retryable_exception(error)
    assert "the database is away" in str(error)


def test_prefect_s_own_configuration_still_needs_this(tmp_path: Path) -> None:
    # Should this fail one day, our configuration has become needless.
    error = error_of(AsyncPostgresConfiguration(url(tmp_path)))
    assert not is_client_retryable_exception(error)
