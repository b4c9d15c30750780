"""Blocks of any type that the server knows."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from appliance.api import Api
from appliance.deployer.declaration import BlockObject
from appliance.deployer.given import GivenError, Reference, holds_secret, plain, resolve
from appliance.deployer.objects.kind import (
    Actual,
    Desired,
    Difference,
    Kind,
    read_all,
    values,
)
from appliance.deployer.place import Place
from appliance.errors import WorldError

# In a plan, in place of what is there and of what is wanted.
HIDDEN = Difference("(hidden)", "(hidden)")


class Blocks(Kind):
    """Blocks, by `type/name`; the type is its slug."""

    name = "block"

    def __init__(self) -> None:
        self._api: Api | None = None
        self._types: dict[str, str] = {}
        self._schemas: dict[str, Mapping[str, Any]] = {}

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that have a name, and take note of the types that there are."""
        types = {one["id"]: one["slug"] for one in read_all(api, "/block_types/filter")}
        self._api = api
        self._types = {slug: one for one, slug in types.items()}
        self._schemas = {}
        named = {"block_documents": {"is_anonymous": {"eq_": False}}, "include_secrets": True}
        found = {}
        for one in read_all(api, "/block_documents/filter", named):
            name = f"{types.get(one['block_type_id'], '?')}/{one['name']}"
            found[name] = Actual(name, one["id"], {**one["data"], **_references(one, types)})
        return found

    def create(self, api: Api, desired: Desired) -> None:
        """Make one.

        Raises:
            WorldError: Another block that it names is not there.
        """
        slug, _, name = desired.name.partition("/")
        body = {
            "name": name,
            "block_type_id": self._types[slug],
            "block_schema_id": self._schema(slug)["id"],
            "data": _sent(api, desired.fields),
        }
        api.post("/block_documents/", body)

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one; what the file leaves out stays."""
        body = {"data": _sent(api, values(desired, differing)), "merge_existing_data": True}
        api.patch(f"/block_documents/{actual.id}", body)

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one."""
        api.delete(f"/block_documents/{actual.id}")

    def is_so(self, name: str, there: Any, wanted: Any) -> bool:
        """Tell whether a field is as wanted."""
        del name
        return bool(there == plain(wanted))

    def differences(
        self, desired: Desired, actual: Actual, thrown: Mapping[str, bool]
    ) -> dict[str, Difference]:
        """Compare; of what is secret the plan shows the name alone."""
        secret = self._secret_fields(desired.name.partition("/")[0])
        return {
            name: HIDDEN if name in secret or holds_secret(desired.fields[name]) else difference
            for name, difference in super().differences(desired, actual, thrown).items()
        }

    def refusal(self, desired: Desired, actual: Actual | None) -> str | None:
        """Return what its type has against it, which the server would never say."""
        slug = desired.name.partition("/")[0]
        if slug not in self._types:
            return f"there is no block type '{slug}'{_suggestion(slug, self._types)}"
        fields = self._schema(slug)["fields"]
        known = fields.get("properties", {})
        for name in desired.fields:
            if name not in known:
                return f"a block of type {slug} has no field '{name}'{_suggestion(name, known)}"
        for name in fields.get("required", []):
            if name not in desired.fields and (actual is None or name not in actual.content):
                return f"a block of type {slug} needs the field '{name}'"
        for name in self._secret_fields(slug) & desired.fields.keys():
            if not holds_secret(desired.fields[name]):
                return (
                    f"the field '{name}' of a block of type {slug} is secret; take it from "
                    "elsewhere, by {env: NAME} or {file: PATH}"
                )
        return None

    def _schema(self, slug: str) -> Mapping[str, Any]:
        """Return the newest of a type's schemas; Prefect 3.8.8 answers with it first."""
        if slug not in self._schemas and self._api is not None:
            of_type = {"block_type_id": {"any_": [self._types[slug]]}}
            found = self._api.post("/block_schemas/filter", {"block_schemas": of_type, "limit": 1})
            self._schemas[slug] = found[0]
        return self._schemas[slug]

    def _secret_fields(self, slug: str) -> set[str]:
        fields = self._schema(slug)["fields"].get("secret_fields", [])
        # `value`, or `headers.*` for what stands in it.
        return {str(name) for name in fields if "." not in name}


def _suggestion(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(sorted(known))}"


def _references(document: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Reference]:
    """Return the fields that are other blocks with a name."""
    found = {}
    for field, reference in document["block_document_references"].items():
        other = reference["block_document"]
        if other.get("name"):
            slug = types.get(other["block_type"]["id"], "?")
            found[field] = Reference(f"{slug}/{other['name']}")
    return found


def _sent(api: Api, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _with_ids(api, plain(value)) for name, value in fields.items()}


def _with_ids(api: Api, value: Any) -> Any:
    match value:
        case Reference(name):
            return {"$ref": {"block_document_id": id_of(api, name)}}
        case dict():
            return {key: _with_ids(api, one) for key, one in value.items()}
        case list():
            return [_with_ids(api, one) for one in value]
        case _:
            return value


def id_of(api: Api, block: str) -> str:
    """Return the id of a block.

    Args:
        api: The server.
        block: As `type/name`.

    Raises:
        WorldError: There is none, or the server is away.
    """
    slug, _, name = block.partition("/")
    path = f"/block_types/slug/{quote(slug, safe='')}/block_documents/name/{quote(name, safe='')}"
    found = api.get(path)
    if found is None:
        raise WorldError(f"there is no block {block}")
    return str(found["id"])


def desired(declared: BlockObject, place: Place, root: Path) -> Desired:
    """Return what the server should hold for a declared block; what the file leaves out is free.

    Raises:
        GivenError: The value of a field cannot be had.
    """
    fields = {}
    for name, value in declared.fields.items():
        try:
            fields[name] = resolve(value, root)
        except GivenError as error:
            raise GivenError(f"'{name}' {error}") from None
    return Desired(Blocks.name, f"{declared.type}/{declared.name}", place, fields)
