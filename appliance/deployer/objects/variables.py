"""Variables."""

from __future__ import annotations

from collections.abc import Collection

from appliance.api import Api
from appliance.deployer.declaration import Variable
from appliance.deployer.objects.kind import Actual, Desired, Kind, read_all, values
from appliance.deployer.place import Place


class Variables(Kind):
    """Variables, by name."""

    name = "variable"

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has."""
        found = read_all(api, "/variables/filter")
        return {one["name"]: Actual(one["name"], one["id"], one) for one in found}

    def create(self, api: Api, desired: Desired) -> None:
        """Make one."""
        api.post("/variables/", {"name": desired.name, **desired.fields})

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one."""
        # Prefect takes a value that is left out for null. (3.8.8)
        api.patch(f"/variables/{actual.id}", values(desired, {*differing, "value"}))

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one."""
        api.delete(f"/variables/{actual.id}")


def desired(declared: Variable, place: Place) -> Desired:
    """Return what the server should hold for a declared variable."""
    return Desired(
        kind=Variables.name,
        name=declared.name,
        place=place,
        fields={"value": declared.value, "tags": declared.tags},
    )
