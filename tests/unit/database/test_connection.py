from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.database.connection import opened
from appliance.errors import WorldError
from appliance.layout import Runtime
from appliance.settings import Settings
from tests.unit.support import free_port, make_settings


async def connect(settings: Settings, runtime: Runtime) -> None:
    async with opened(settings, runtime):
        pass


@pytest.mark.parametrize("embedded", [True, False])
def test_database_that_is_not_there(tmp_path: Path, embedded: bool) -> None:
    url = f"postgresql://u:hidden@127.0.0.1:{free_port()}/prefect"
    settings = make_settings(database="postgres" if embedded else url)
    with pytest.raises(WorldError) as caught:
        asyncio.run(connect(settings, Runtime(tmp_path)))
    assert caught.value.line().startswith("the database cannot be used: ")
    assert "(ZOE_DATABASE)" in caught.value.line()
    assert "hidden" not in caught.value.line()
