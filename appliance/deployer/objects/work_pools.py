"""Work pools."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from appliance.api import Api
from appliance.deployer.declaration import WorkPoolObject
from appliance.deployer.objects.kind import Actual, Desired, Kind, read_all, values
from appliance.deployer.place import Place
from appliance.errors import WorldError
from appliance.worker import pool


class WorkPools(Kind):
    """Work pools, by name.

    Args:
        own: The pool of our own workers. It is there without any file, and so it stays.
        warm_start: Whether process pools are made with the command of warm flow runs.
    """

    name = "work pool"

    def __init__(self, own: str, *, warm_start: bool) -> None:
        self._own = own
        self._warm_start = warm_start

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has."""
        found = read_all(api, "/work_pools/filter")
        return {one["name"]: Actual(one["name"], one["name"], one) for one in found}

    def create(self, api: Api, desired: Desired) -> None:
        """Make one, with its type's own job template where the file has none.

        Raises:
            WorldError: The server knows no such type.
        """
        template = {}
        if "base_job_template" not in desired.fields:
            template = {"base_job_template": self._template(api, desired.fields["type"])}
        body = {"name": desired.name, **template, **desired.fields, **desired.initial}
        api.post("/work_pools/", body)

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one."""
        api.patch(_path(actual.name), values(desired, differing))

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one, with its queues."""
        api.delete(_path(actual.name))

    def stays(self, actual: Actual) -> bool:
        """Tell that the pool of our own workers is no file's to take away."""
        return actual.name == self._own

    def refusal(self, desired: Desired, actual: Actual | None) -> str | None:
        """Tell that the type of a pool stays what it is."""
        if actual is None:
            return None
        there, wanted = actual.content["type"], desired.fields["type"]
        if there == wanted:
            return None
        return (
            f"the work pool {desired.name} is of the type {there} and cannot become one of "
            f"{wanted}; give the new one another name"
        )

    def _template(self, api: Api, kind: str) -> dict[str, Any]:
        if kind == pool.POOL_TYPE:
            return pool.job_template(warm_start=self._warm_start)
        known = {
            name: worker
            for workers in api.get("/collections/views/aggregate-worker-metadata").values()
            for name, worker in workers.items()
        }
        if kind not in known:
            raise WorldError(
                f"there is no work pool type '{kind}'",
                remedy=f"known are {', '.join(sorted(known))}",
            )
        template: dict[str, Any] = known[kind]["default_base_job_configuration"]
        return template


def _path(name: str) -> str:
    return f"/work_pools/{quote(name, safe='')}"


def desired(declared: WorkPoolObject, place: Place) -> Desired:
    """Return what the server should hold for a declared pool; what the file leaves out is free."""
    free = {
        "description": declared.description,
        "concurrency_limit": declared.concurrency_limit,
        "base_job_template": declared.base_job_template,
    }
    given = {name: value for name, value in free.items() if name in declared.model_fields_set}
    return Desired(
        kind=WorkPools.name,
        name=declared.name,
        place=place,
        fields={"type": declared.type, **given},
        initial={"is_paused": declared.paused},
    )
