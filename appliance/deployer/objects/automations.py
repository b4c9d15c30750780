"""Automations: what the server does by itself when something happens, or does not.

Triggers and actions are in Prefect's own words, but that an action names what it is about instead
of giving its id, which no file can know: see `REFERENCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from appliance.api import Api
from appliance.deployer.declaration import Automation
from appliance.deployer.objects.blocks import Blocks
from appliance.deployer.objects.deployments import Deployments
from appliance.deployer.objects.kind import Actual, Desired, Kind, read_all
from appliance.deployer.objects.work_queues import WorkQueues
from appliance.deployer.place import Place
from appliance.errors import WorldError

# An action's word in a file, and the server's.
REFERENCES = {
    "deployment": "deployment_id",
    "block": "block_document_id",
    "work_pool": "work_pool_id",
    "work_queue": "work_queue_id",
    "automation": "automation_id",
}
ACTIONS = ("actions", "actions_on_trigger", "actions_on_resolve")
_DURATION = TypeAdapter(timedelta)


class Automations(Kind):
    """Automations, by name; of several with one name the oldest is meant."""

    name = "automation"

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has, with names in place of ids."""
        found = sorted(read_all(api, "/automations/filter"), key=lambda one: str(one["created"]))
        names = _Names(api)
        automations: dict[str, Actual] = {}
        for one in found:
            content = {**one, **{part: [names.named(a) for a in one[part]] for part in ACTIONS}}
            automations.setdefault(one["name"], Actual(one["name"], one["id"], content))
        return automations

    def create(self, api: Api, desired: Desired) -> None:
        """Make one.

        Raises:
            WorldError: What it names is not there.
        """
        api.post("/automations/", _body(api, desired, desired.initial["enabled"]))

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one; its id stays."""
        switched = "enabled" in differing
        enabled = desired.initial["enabled"] if switched else actual.content["enabled"]
        api.put(f"/automations/{actual.id}", _body(api, desired, enabled))

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one."""
        api.delete(f"/automations/{actual.id}")

    def is_so(self, name: str, there: Any, wanted: Any) -> bool:
        """Tell whether a field is as wanted; what the file leaves out is the server's default."""
        if name in ACTIONS:
            return len(there) == len(wanted) and covers(there, wanted)
        return covers(there, wanted)


def covers(there: Any, wanted: Any) -> bool:
    """Tell whether the server's words say all that the file's say, in whatever form.

    It adds ids and defaults, knows no order of what it takes for a set, and writes a duration as
    seconds. (Prefect 3.8.8)
    """
    match wanted:
        case dict():
            return isinstance(there, dict) and all(
                name in there and covers(there[name], value) for name, value in wanted.items()
            )
        case list() if all(isinstance(one, str) for one in wanted):
            return isinstance(there, list) and sorted(map(str, there)) == sorted(wanted)
        case list():
            return (
                isinstance(there, list)
                and len(there) == len(wanted)
                and all(map(covers, there, wanted))
            )
        case str() if isinstance(there, int | float) and not isinstance(there, bool):
            with suppress(ValidationError):
                return bool(_DURATION.validate_python(wanted).total_seconds() == there)
            return False
        case _:
            return bool(there == wanted)


def _body(api: Api, desired: Desired, enabled: object) -> dict[str, Any]:
    names = _Names(api)
    body = {"name": desired.name, "enabled": enabled, **desired.fields}
    return body | {part: [names.with_ids(one) for one in body[part]] for part in ACTIONS}


class _Names:
    """What the server calls things, read when it is first asked for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids: dict[str, dict[str, str]] = {}

    def named(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """Return an action of the server's with names beside its ids."""
        found = dict(action)
        for word, field in REFERENCES.items():
            if action.get(field):
                names = {one: name for name, one in self._of(word).items()}
                found[word] = names.get(action[field])
        return found

    def with_ids(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """Return an action of a file with ids in place of its names.

        Raises:
            WorldError: There is nothing of a name.
        """
        found = {name: value for name, value in action.items() if name not in REFERENCES}
        for word, field in REFERENCES.items():
            if word in action:
                ids = self._of(word)
                if action[word] not in ids:
                    raise WorldError(f"there is no {word.replace('_', ' ')} {action[word]}")
                found[field] = ids[action[word]]
        return found

    def _of(self, word: str) -> dict[str, str]:
        if word not in self._ids:
            self._ids[word] = _READERS[word](self._api)
        return self._ids[word]


_READERS: Mapping[str, Callable[[Api], dict[str, str]]] = {
    "deployment": lambda api: {name: one.id for name, one in Deployments().read(api).items()},
    "block": lambda api: {name: one.id for name, one in Blocks().read(api).items()},
    "work_pool": lambda api: {
        str(one["name"]): str(one["id"]) for one in read_all(api, "/work_pools/filter")
    },
    "work_queue": lambda api: {
        name: str(one.content["id"]) for name, one in WorkQueues().read(api).items()
    },
    "automation": lambda api: {
        str(one["name"]): str(one["id"]) for one in read_all(api, "/automations/filter")
    },
}


def desired(declared: Automation, place: Place) -> Desired:
    """Return what the server should hold for a declared automation."""
    return Desired(
        kind=Automations.name,
        name=declared.name,
        place=place,
        fields={
            "description": declared.description,
            "tags": declared.tags,
            "trigger": declared.trigger,
            "actions": declared.actions,
            "actions_on_trigger": declared.actions_on_trigger,
            "actions_on_resolve": declared.actions_on_resolve,
        },
        initial={"enabled": declared.enabled},
    )
