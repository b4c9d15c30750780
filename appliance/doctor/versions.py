"""Versions that must fit: of what is installed, of what runs, and of what wrote the data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version as installed

from appliance import __version__
from appliance.api import Api
from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.patient import Patient
from appliance.files import read_json
from appliance.settings import Component

CHECK = "versions"


def look(patient: Patient, api: Api) -> Iterator[Finding]:
    """Compare what is installed with the server's word and with the stamp of the data.

    Raises:
        WorldError: The server is away.
    """
    here = patient.has(Component.SERVER)
    yield judge(installed("prefect"), str(api.get("/admin/version")), is_ours=here)
    stamp = read_json(patient.layout.stamp)
    used_by = str(stamp["zoe"]) if stamp and "zoe" in stamp else __version__
    if used_by != __version__:
        yield warning(
            CHECK,
            f"Zoe {__version__} is installed, and {used_by} was when it was started",
            "restart Zoe",
        )


def judge(client: str, server: str, *, is_ours: bool) -> Finding:
    """Compare two versions of Prefect.

    Args:
        client: The one that is installed here.
        server: The one that the server runs.
        is_ours: Whether it runs on this machine.
    """
    if client == server:
        return well(CHECK, f"Zoe {__version__}, Prefect {client}")
    what = f"Prefect {client} is installed here, and the server runs {server}"
    if is_ours:
        return problem(CHECK, what, "restart Zoe, so that it runs what is installed")
    if _is_newer(client, server):
        return problem(
            CHECK,
            f"{what}: a worker must not be newer than its server",
            "bring the server up to date first",
        )
    return warning(CHECK, what, "bring this machine up to date")


def _is_newer(one: str, other: str) -> bool:
    """Tell by the numbers; Prefect's servers are releases."""
    return _numbers(one) > _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
