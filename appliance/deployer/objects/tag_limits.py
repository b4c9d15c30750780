"""Limits of how many tasks with one tag run at once."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from appliance.api import Api
from appliance.deployer.declaration import TagLimit
from appliance.deployer.objects.kind import Actual, Desired, Kind, read_all
from appliance.deployer.place import Place


class TagLimits(Kind):
    """Limits of tags, by tag."""

    name = "tag limit"

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has."""
        found = read_all(api, "/concurrency_limits/filter")
        return {one["tag"]: Actual(one["tag"], one["id"], one) for one in found}

    def create(self, api: Api, desired: Desired) -> None:
        """Make one."""
        api.post("/concurrency_limits/", {"tag": desired.name, **desired.fields})

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one: Prefect takes a second creation for that, and its slots stay taken."""
        del actual, differing
        self.create(api, desired)

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one."""
        api.delete(f"/concurrency_limits/tag/{quote(actual.name, safe='')}")


def desired(declared: TagLimit, place: Place) -> Desired:
    """Return what the server should hold for a declared limit."""
    return Desired(
        kind=TagLimits.name,
        name=declared.tag,
        place=place,
        fields={"concurrency_limit": declared.limit},
    )
