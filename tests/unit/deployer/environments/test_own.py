from __future__ import annotations

import platform
from importlib.metadata import version

from appliance.deployer.environments import own


def test_what_is_installed_here() -> None:
    found = own.installed()
    assert found.versions["prefect"] == version("prefect")
    # By the name in which names are compared.
    assert found.versions["pydantic-settings"] == version("pydantic-settings")
    assert len(found.records) == len(found.versions)
    assert all((record / "METADATA").is_file() for record in found.records)
    assert platform.python_version() in found.python


def test_facts_are_the_same_in_every_process() -> None:
    assert own.installed().facts() == own.installed.__wrapped__().facts()
