from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from appliance.worker import pool
from tests.unit.conftest import RealServer


@pytest.mark.parametrize("name", ["plain", "with a blank, ünicode and a ?"])
def test_pool_is_made_once_and_then_left_alone(real_server: RealServer, name: str) -> None:
    with closing(real_server.api()) as api:
        assert pool.ensure(api, name)
        assert not pool.ensure(api, name)
        (found,) = [one for one in api.post("/work_pools/filter", {}) if one["name"] == name]
        assert found["type"] == "process"
        assert found["base_job_template"] == pool.job_template()


def test_operator_s_template_stays(real_server: RealServer) -> None:
    with closing(real_server.api()) as api:
        pool.ensure(api, "edited")
        template = pool.job_template()
        template["variables"]["properties"]["working_dir"]["default"] = "/elsewhere"
        api.patch("/work_pools/edited", {"base_job_template": template})
        assert not pool.ensure(api, "edited")
        assert api.get("/work_pools/edited")["base_job_template"] == template


def test_warm_start_is_turned_on_and_off_and_nothing_else_changes(
    real_server: RealServer,
) -> None:
    with closing(real_server.api()) as api:
        pool.ensure(api, "of-earlier-times")
        template = pool.job_template()
        template["variables"]["properties"]["working_dir"]["default"] = "/elsewhere"
        api.patch("/work_pools/of-earlier-times", {"base_job_template": template})
        assert not pool.ensure(api, "of-earlier-times", warm_start=True)
        found = api.get("/work_pools/of-earlier-times")["base_job_template"]
        assert found["variables"]["properties"]["command"]["default"] == pool.WARM_COMMAND
        assert not pool.ensure(api, "of-earlier-times")
        assert api.get("/work_pools/of-earlier-times")["base_job_template"] == template


@pytest.mark.parametrize("warm_start", [True, False])
@pytest.mark.parametrize("default", [None, "my-own-launcher"])
def test_an_operator_s_command_stays(default: str | None, warm_start: bool) -> None:
    template = pool.job_template()
    template["variables"]["properties"]["command"]["default"] = default
    assert pool.renewed(template, warm_start=warm_start) is None
    assert pool.renewed({"variables": {}}, warm_start=warm_start) is None


@pytest.mark.parametrize(
    ("warm_start", "command"),
    [
        (True, "zoe-flow-run --python '/data of zoe/bin/python'"),
        (False, "zoe-flow-run --cold --python '/data of zoe/bin/python'"),
    ],
)
def test_command_of_runs_in_another_environment(command: str, *, warm_start: bool) -> None:
    python = Path("/data of zoe/bin/python")
    assert pool.command_with(python, warm_start=warm_start) == command
