"""Many flow runs at once."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.bench import Bench
from tests.bench.figures import quantile
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Summary, Variant
from tests.bench.workload import create, ended, runs, serving

# Zoe's default. Prefect's own is no limit, and 200 of its runs at once would fill 20 GB.
LIMIT = 10


def take(bench: Bench, variant: Variant) -> Samples:
    wanted = replace(bench.wanted(variant), worker_limit=LIMIT)
    size = bench.scale.burst_runs
    with serving(wanted, "nothing") as served:
        for _ in range(size):
            create(served.client, served.deployment)
        latencies = ended(served.client, served.deployment, size + 1)
        measured = runs(served.client, served.deployment)[1:]
    good = [run.ended for run in measured if run.state == "COMPLETED" and run.ended is not None]
    began = min(run.created for run in measured)
    return {
        "rate": [60 * len(good) / (max(good) - began) if good else 0.0],
        "lost": [float(size - len(good))],
        "api_p95": [quantile(latencies, 0.95)],
    }


MEASUREMENT = Measurement(
    name="burst",
    title="A burst of flow runs",
    method="{scale.burst_runs} runs of a flow that does nothing, created at once, at most "
    f"{LIMIT} of them executed at a time; completed runs a minute from the first "
    "creation to the last end. Lost is what has not completed. The API's time is that "
    "of one count of runs a second meanwhile.",
    metrics=(
        Metric("rate", "burst, completed runs", "1/min", Better.MORE),
        Metric("lost", "burst, lost runs", "", Better.LESS, Summary.WORST),
        Metric("api_p95", "burst, API p95 meanwhile", "s", Better.LESS),
    ),
    variants=ALL,
    take=take,
)
