"""CPU time of a flow run."""

from __future__ import annotations

import time

from tests.bench.bench import Bench
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects.processes import all_cpu, worker_cpu
from tests.bench.workload import create, ended, serving

# What a run leaves to be done after its end: events, logs, the exit of its process.
AFTERWARDS_SECONDS = 3.0


def take(bench: Bench, variant: Variant) -> Samples:
    size = bench.scale.cpu_runs
    with serving(bench.wanted(variant), "nothing") as served:
        time.sleep(bench.scale.settle_seconds)
        before = served.subject.looks()
        for _ in range(size):
            create(served.client, served.deployment)
        ended(served.client, served.deployment, size + 1)
        time.sleep(AFTERWARDS_SECONDS)
        after = served.subject.looks()
    return {
        "flow_and_worker": [worker_cpu(before, after) / size],
        "all": [all_cpu(before, after) / size],
    }


MEASUREMENT = Measurement(
    name="cpu",
    title="CPU time of a flow run",
    method="{scale.cpu_runs} runs of a flow that does nothing, created at once; CPU seconds "
    "of the containers' cgroups from the first creation until 3 s after the last end, "
    "divided by the runs. Flow process and worker: all of the worker's container of "
    "stock; of Zoe's one container all but the other programs (server, deployer, "
    "maintenance, conductor, supervisor), so that health checks count as the "
    "worker's.",
    metrics=(
        Metric("flow_and_worker", "CPU per run, flow process and worker", "s", Better.LESS),
        Metric("all", "CPU per run, everything", "s", Better.LESS),
    ),
    variants=ALL,
    take=take,
)
