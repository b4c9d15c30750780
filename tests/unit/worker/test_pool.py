from __future__ import annotations

from contextlib import closing

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
