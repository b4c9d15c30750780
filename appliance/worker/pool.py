"""The work pool of Zoe's workers, and the job template that it is made with."""

from __future__ import annotations

import json
import shlex
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from appliance.api import Api

POOL_TYPE = "process"
COLD_COMMAND = "python -m prefect.engine"
WARM_COMMAND = "zoe-flow-run"


def job_template(*, warm_start: bool = False) -> dict[str, Any]:
    """Return Prefect's template of a process pool with our command as its default.

    A contract test holds the file to Prefect's own template.
    """
    text = files("appliance.worker").joinpath("job_template.json").read_text(encoding="utf-8")
    template: dict[str, Any] = json.loads(text)
    if warm_start:
        template["variables"]["properties"]["command"]["default"] = WARM_COMMAND
    return template


def command_with(python: Path, *, warm_start: bool) -> str:
    """Return the command of runs in another Python environment than the worker's.

    Args:
        python: Its interpreter.
        warm_start: Whether runs are forks.
    """
    return shlex.join([WARM_COMMAND, *([] if warm_start else ["--cold"]), "--python", str(python)])


def ensure(api: Api, name: str, *, warm_start: bool = False) -> bool:
    """Make the pool if it is missing; tell whether it was.

    One that is there is left alone, but for a command that is the other of our two.
    """
    path = f"/work_pools/{quote(name)}"
    found = api.get(path)
    if found is not None:
        template = renewed(found["base_job_template"], warm_start=warm_start)
        if template is not None:
            api.patch(path, {"base_job_template": template})
        return False
    api.post(
        "/work_pools/",
        {"name": name, "type": POOL_TYPE, "base_job_template": job_template(warm_start=warm_start)},
    )
    return True


def renewed(template: dict[str, Any], *, warm_start: bool) -> dict[str, Any] | None:
    """Return a pool's template with the command that is wanted; None where it stays as it is.

    Args:
        template: The pool's; an operator may have changed anything in it.
        warm_start: Which of our two commands is wanted.
    """
    wanted, other = (WARM_COMMAND, COLD_COMMAND) if warm_start else (COLD_COMMAND, WARM_COMMAND)
    match template:
        case {"variables": {"properties": {"command": {"default": default}}}} if default == other:
            renewed = deepcopy(template)
            renewed["variables"]["properties"]["command"]["default"] = wanted
            return renewed
        case _:
            return None
