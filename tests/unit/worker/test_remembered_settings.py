"""Settings that are worked out once say what Prefect's own say."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, Settings, get_current_settings, temporary_settings
from prefect.workers.process import ProcessJobConfiguration

from appliance.worker.remembered_settings import remembered_settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How often Prefect had to work them out, with a setting in each kind of source."""
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:p")
    monkeypatch.setenv("PREFECT_FLOWS", '{"heartbeat_frequency": null}')
    found: list[dict[str, Any]] = []
    original = Settings.to_environment_variables

    def counting(self: Settings, *arguments: bool, **more: bool) -> dict[str, str]:
        found.append(more)
        return original(self, *arguments, **more)

    monkeypatch.setattr(Settings, "to_environment_variables", counting)
    return found


@pytest.mark.parametrize("exclude_unset", [True, False])
@pytest.mark.parametrize("include_secrets", [True, False])
def test_they_say_what_prefect_s_own_say(
    asked: list[Any], *, exclude_unset: bool, include_secrets: bool
) -> None:
    del asked
    wanted = {"exclude_unset": exclude_unset, "include_secrets": include_secrets}
    expected = Settings().to_environment_variables(**wanted)
    assert expected["PREFECT_API_AUTH_STRING"]
    with remembered_settings():
        for _ in range(2):
            found = get_current_settings().to_environment_variables(**wanted)
            assert found == expected
            # Whoever gets them may change them.
            found.clear()


def test_prefect_s_worker_asks_for_them_and_is_told_from_memory(asked: list[Any]) -> None:
    def environment() -> dict[str, str | None]:
        configuration = ProcessJobConfiguration(command="of-a-test")
        configuration.prepare_for_flow_run(FlowRun(flow_id=uuid4(), name="of-a-test"))
        return {name: configuration.env[name] for name in ("PREFECT_API_AUTH_STRING",)}

    async def twice() -> list[dict[str, str | None]]:
        return [environment(), await asyncio.create_task(asyncio.to_thread(environment))]

    with remembered_settings():
        assert asyncio.run(twice()) == [{"PREFECT_API_AUTH_STRING": "admin:p"}] * 2
    assert len(asked) == 1


def test_other_settings_within_have_a_memory_of_their_own() -> None:
    with remembered_settings():
        get_current_settings().to_environment_variables(exclude_unset=True)
        with temporary_settings({PREFECT_API_URL: "http://other/api"}):
            within = get_current_settings().to_environment_variables(exclude_unset=True)
        assert within["PREFECT_API_URL"] == "http://other/api"
        after = get_current_settings().to_environment_variables(exclude_unset=True)
        assert after.get("PREFECT_API_URL") != "http://other/api"
