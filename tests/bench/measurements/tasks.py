"""Many tasks in one flow run."""

from __future__ import annotations

from tests.bench.bench import Bench
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Variant
from tests.bench.workload import create, ended, runs, serving


def take(bench: Bench, variant: Variant) -> Samples:
    with serving(bench.wanted(variant), "many_tasks", {"count": 1}) as served:
        create(served.client, served.deployment, count=bench.scale.tasks)
        ended(served.client, served.deployment, 2)
        run = runs(served.client, served.deployment)[-1]
    if run.state != "COMPLETED" or run.started is None or run.ended is None:
        raise RuntimeError(f"the run is {run.state}")
    return {"seconds": [run.ended - run.started]}


MEASUREMENT = Measurement(
    name="tasks",
    title="Many tasks in one flow run",
    method="a flow that maps a trivial task over {scale.tasks} numbers, with ten threads; "
    "from running to finished.",
    metrics=(Metric("seconds", "flow of many tasks, running → finished", "s", Better.LESS),),
    variants=ALL,
    take=take,
)
