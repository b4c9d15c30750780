"""Work queues of the pools."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from appliance.api import Api
from appliance.deployer.declaration import WorkPoolObject, WorkQueue
from appliance.deployer.objects.kind import Actual, Desired, Kind, read_all, values
from appliance.deployer.place import Place

# Prefect makes it with the pool, and refuses to remove it.
DEFAULT = "default"


class WorkQueues(Kind):
    """Work queues, by `pool/queue`."""

    name = "work queue"

    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has in pools."""
        found = {}
        for one in read_all(api, "/work_queues/filter"):
            if one.get("work_pool_name"):
                name = f"{one['work_pool_name']}/{one['name']}"
                found[name] = Actual(name, one["id"], one)
        return found

    def create(self, api: Api, desired: Desired) -> None:
        """Make one."""
        pool, _, queue = desired.name.partition("/")
        path = f"/work_pools/{quote(pool, safe='')}/queues"
        api.post(path, {"name": queue, **desired.fields, **desired.initial})

    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Change one."""
        # Prefect takes a pause that is left out for "not paused". (3.8.8)
        pause = {"is_paused": actual.content["is_paused"]}
        api.patch(_path(actual), {**pause, **values(desired, differing)})

    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one."""
        api.delete(_path(actual))

    def stays(self, actual: Actual) -> bool:
        """Tell that a pool's own queue goes with the pool alone."""
        return bool(actual.content["name"] == DEFAULT)


def _path(actual: Actual) -> str:
    pool, queue = actual.content["work_pool_name"], actual.content["name"]
    return f"/work_pools/{quote(pool, safe='')}/queues/{quote(queue, safe='')}"


def desired(declared: WorkQueue, pool: WorkPoolObject, place: Place) -> Desired:
    """Return what the server should hold for a declared queue; what the file leaves out is free."""
    free = {
        "description": declared.description,
        "concurrency_limit": declared.concurrency_limit,
        "priority": declared.priority,
    }
    return Desired(
        kind=WorkQueues.name,
        name=f"{pool.name}/{declared.name}",
        place=place,
        fields={name: free[name] for name in free if name in declared.model_fields_set},
        initial={"is_paused": declared.paused},
    )
