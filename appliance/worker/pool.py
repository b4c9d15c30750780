"""The work pool of Zoe's workers, and the job template that it is made with."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from appliance.api import Api

POOL_TYPE = "process"


def job_template() -> dict[str, Any]:
    """Return Prefect's template of a process pool with our command as its default.

    A contract test holds the file to Prefect's own template.
    """
    text = files("appliance.worker").joinpath("job_template.json").read_text(encoding="utf-8")
    template: dict[str, Any] = json.loads(text)
    return template


def ensure(api: Api, name: str) -> bool:
    """Make the pool if it is missing; tell whether it was. One that is there is left alone."""
    if api.get(f"/work_pools/{quote(name)}") is not None:
        return False
    api.post(
        "/work_pools/",
        {"name": name, "type": POOL_TYPE, "base_job_template": job_template()},
    )
    return True
