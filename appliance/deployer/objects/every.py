"""All kinds, in the order in which they are made: what is named by others comes before these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.deployer.catalogue import Item
from appliance.deployer.declaration import (
    Automation,
    BlockObject,
    GlobalLimit,
    TagLimit,
    Variable,
    WorkPoolObject,
)
from appliance.deployer.objects import (
    automations,
    blocks,
    global_limits,
    tag_limits,
    variables,
    work_pools,
    work_queues,
)
from appliance.deployer.objects.automations import Automations
from appliance.deployer.objects.blocks import Blocks
from appliance.deployer.objects.deployments import Deployments
from appliance.deployer.objects.global_limits import GlobalLimits
from appliance.deployer.objects.kind import Desired, Kind
from appliance.deployer.objects.tag_limits import TagLimits
from appliance.deployer.objects.variables import Variables
from appliance.deployer.objects.work_pools import WorkPools
from appliance.deployer.objects.work_queues import WorkQueues


def kinds(own_pool: str, *, warm_start: bool) -> tuple[Kind, ...]:
    """Return one of each kind.

    Args:
        own_pool: The work pool of our own workers.
        warm_start: Whether process pools are made with the command of warm flow runs.
    """
    return (
        WorkPools(own_pool, warm_start=warm_start),
        WorkQueues(),
        GlobalLimits(),
        TagLimits(),
        Variables(),
        Blocks(),
        Deployments(),
        Automations(),
    )


def desired(item: Item, root: Path) -> Iterator[Desired]:
    """Yield what the server should hold for a declared object that is no deployment.

    Args:
        item: The object.
        root: Its project's directory.

    Raises:
        GivenError: The value of a block's field cannot be had.
    """
    match item.declared:
        case Automation() as automation:
            yield automations.desired(automation, item.place)
        case BlockObject() as block:
            yield blocks.desired(block, item.place, root)
        case Variable() as variable:
            yield variables.desired(variable, item.place)
        case GlobalLimit() as limit:
            yield global_limits.desired(limit, item.place)
        case TagLimit() as limit:
            yield tag_limits.desired(limit, item.place)
        case WorkPoolObject() as pool:
            yield work_pools.desired(pool, item.place)
            for queue, place in zip(pool.work_queues, item.places, strict=True):
                yield work_queues.desired(queue, pool, place)
