"""Whether somebody takes the runs of the pool that this machine is for, and of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.lateness import Here, Pool
from appliance.doctor.words import duration

CHECK = "workers"


def judge(
    pools: Mapping[str, Pool], own: str, here: Here, used: Collection[str]
) -> Iterator[Finding]:
    """Judge the pools.

    Args:
        pools: Every pool by name.
        own: The pool of the settings.
        here: The worker of this machine.
        used: The pools that deployments are in.
    """
    findings = [*_here(pools.get(own), own, here)]
    for name, pool in pools.items():
        online = any(worker.is_online for worker in pool.workers)
        ours = here.pool == name
        if pool.is_paused and (ours or name in used):
            findings.append(
                warning(
                    CHECK,
                    f"the work pool {name} is paused: its runs wait",
                    f"prefect work-pool resume '{name}'",
                )
            )
        elif not online and not ours and name in used:
            findings.append(
                problem(
                    CHECK,
                    f"the work pool {name} has deployments, and no worker of it is online",
                    f"start one: ZOE_WORK_POOL='{name}' on a machine of its own",
                )
            )
    yield from findings
    if not findings:
        online_workers = [w for p in pools.values() for w in p.workers if w.is_online]
        yield well(CHECK, f"{len(online_workers)} online in {len(pools)} work pools")


def _here(pool: Pool | None, own: str, here: Here) -> Iterator[Finding]:
    if here.pool is None:
        return
    if pool is None:
        yield problem(
            CHECK,
            f"the work pool {own} of the worker here is gone",
            "restart the worker, which makes it, or set ZOE_WORK_POOL",
        )
        return
    found = next((worker for worker in pool.workers if worker.name == here.name), None)
    if found is None:
        yield problem(
            CHECK,
            f"the server has never heard from the worker here, {here.name}",
            "zoe logs worker",
        )
    elif not found.is_online:
        yield problem(
            CHECK,
            f"the server last heard from the worker here {duration(found.silent_seconds)} ago",
            "zoe logs worker tells why",
        )
    if here.is_drained:
        yield warning(
            CHECK,
            "the worker here was drained by an operator: it takes no runs",
            "zoe worker resume",
        )
