"""From created to running, and to finished, while nothing else is going on."""

from __future__ import annotations

import time

from tests.bench.bench import Bench
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Summary, Variant
from tests.bench.order import spread
from tests.bench.workload import create, ended, runs, serving


def take(bench: Bench, variant: Variant) -> Samples:
    scale = bench.scale
    with serving(bench.wanted(variant), "nothing") as served:
        for done, pause in enumerate(spread(scale.latency_runs, scale.latency_spread), 1):
            time.sleep(pause)
            create(served.client, served.deployment)
            ended(served.client, served.deployment, done + 1)
        measured = runs(served.client, served.deployment)[1:]
    if any(run.state != "COMPLETED" or run.started is None for run in measured):
        raise RuntimeError(f"not all runs completed: {[run.state for run in measured]}")
    return {
        "running": [run.started - run.created for run in measured if run.started is not None],
        "finished": [run.ended - run.created for run in measured if run.ended is not None],
    }


def _seconds(series: str, summary: Summary, word: str) -> Metric:
    title = f"created → {series}, {word}"
    return Metric(f"{series}_{word}", title, "s", Better.LESS, summary, series)


MEASUREMENT = Measurement(
    name="latency",
    title="One flow run on an idle machine",
    method="a flow that does nothing, {scale.latency_runs} runs one after the other at "
    "moments that fill the polling interval evenly, after one that does not count. "
    "Times are those that Prefect keeps.",
    metrics=(
        _seconds("running", Summary.MEDIAN, "p50"),
        _seconds("running", Summary.P95, "p95"),
        _seconds("finished", Summary.MEDIAN, "p50"),
        _seconds("finished", Summary.P95, "p95"),
    ),
    variants=ALL,
    take=take,
)
