"""Declarations and what a server would hold of them, for the tests of what compares the two."""

from __future__ import annotations

from typing import Any

from appliance.deployer.catalogue import Declared
from appliance.deployer.declaration import Deployment
from appliance.deployer.inspection import FlowDescription
from appliance.deployer.objects import deployments
from appliance.deployer.objects.kind import Actual, Desired
from appliance.deployer.place import Place

SCHEMA = {
    "title": "Parameters",
    "type": "object",
    "properties": {"count": {"type": "integer", "title": "count", "position": 0}},
    "definitions": {},
}
FILE = "/project/d.yaml"


def place(line: int = 3, project: str = "/project") -> Place:
    return Place(project, f"{project}/d.yaml", line)


def deployment(
    name: str = "one", *, flow: str = "flow", at: Place | None = None, **values: Any
) -> Desired:
    declared = Declared(
        Deployment.model_validate({"name": name, "entrypoint": "f.py:f", **values}),
        at or place(),
        [{"a.step": {}}],
    )
    return deployments.desired(declared, FlowDescription(flow, None, "doc", SCHEMA), "default")


def variable(name: str, value: Any = 1, *, at: Place | None = None, **values: Any) -> Desired:
    fields = {"value": value, "tags": [], **values}
    return Desired("variable", name, at or place(), fields)


def held(desired: Desired, **changes: Any) -> Actual:
    """What a server holds that has exactly what is wanted, but for some changes."""
    content = {**desired.fields, **desired.initial, **changes}
    return Actual(desired.name, f"id of {desired.name}", content)
