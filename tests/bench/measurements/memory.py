"""Memory of flow runs that go on at the same time."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.bench.bench import Bench
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects.processes import all_pss, new_pss
from tests.bench.workload import count, create, ended, serving

MEGABYTE = 1_000_000
# Longer than it takes to start all of them; nobody waits for their end.
HOLD_SECONDS = 900.0
SETTLE_SECONDS = 5.0


def take(bench: Bench, variant: Variant) -> Samples:
    size = bench.scale.memory_runs
    wanted = replace(bench.wanted(variant), worker_limit=size)
    with serving(wanted, "hold", {"seconds": 0}) as served:
        time.sleep(SETTLE_SECONDS)
        before = served.subject.looks(memory=True)
        for _ in range(size):
            create(served.client, served.deployment, seconds=HOLD_SECONDS)
        ended(served.client, served.deployment, size, ["RUNNING"])
        if count(served.client, served.deployment, ["RUNNING"]) != size:
            raise RuntimeError("not all runs came to run at the same time")
        time.sleep(SETTLE_SECONDS)
        after = served.subject.looks(memory=True)
    return {
        "flow": [new_pss(before, after) / size / MEGABYTE],
        "growth": [(all_pss(after) - all_pss(before)) / size / MEGABYTE],
    }


MEASUREMENT = Measurement(
    name="memory",
    title="Memory of flow runs",
    method="{scale.memory_runs} flow runs that sleep, all at the same time; PSS of the "
    "processes that came with them, and the growth of all processes, divided by the "
    "runs. PSS shares a page out among those who have it, so that nothing counts "
    "twice.",
    metrics=(
        Metric("flow", "memory per run, its processes (PSS)", "MB", Better.LESS),
        Metric("growth", "memory per run, growth of everything (PSS)", "MB", Better.LESS),
    ),
    variants=ALL,
    take=take,
)
