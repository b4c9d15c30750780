"""Global concurrency limits and rate limits."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from appliance.api import Api
from appliance.deployer.declaration import GlobalLimit
from appliance.deployer.objects.kind import Actual, Desired, Kind, read_all, values
from appliance.deployer.place import Place

# Prefect keeps the limits of deployments and of tags among them, under names that begin so. (3.8.8)
NOT_BY_HAND = ("deployment:", "tag:")


class GlobalLimits(Kind):
    """Global concurrency limits, by name."""

    name = "concurrency limit"

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has, but for those that Prefect made for something else."""
        return {
            one["name"]: Actual(one["name"], one["id"], one)
            for one in read_all(api, "/v2/concurrency_limits/filter")
            if not one["name"].startswith(NOT_BY_HAND)
        }

    def create(self, api: Api, desired: Desired) -> None:
        """Make one."""
        body = {"name": desired.name, **desired.fields, **desired.initial}
        api.post("/v2/concurrency_limits/", body)

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one; the slots that are taken stay taken."""
        api.patch(f"/v2/concurrency_limits/{quote(actual.id)}", values(desired, differing))

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one."""
        api.delete(f"/v2/concurrency_limits/{quote(actual.id)}")


def desired(declared: GlobalLimit, place: Place) -> Desired:
    """Return what the server should hold for a declared limit."""
    return Desired(
        kind=GlobalLimits.name,
        name=declared.name,
        place=place,
        fields={
            "limit": declared.limit,
            "slot_decay_per_second": declared.slot_decay_per_second,
        },
        initial={"active": declared.active},
    )
