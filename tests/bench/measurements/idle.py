"""What it costs while nothing is done."""

from __future__ import annotations

import time

from tests.bench.bench import Bench
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects.processes import all_cpu, all_pss
from tests.bench.subjects.starting import started

MEGABYTE = 1_000_000


def take(bench: Bench, variant: Variant) -> Samples:
    with started(bench.wanted(variant)) as subject:
        time.sleep(bench.scale.settle_seconds)
        before, began = subject.looks(), time.monotonic()
        time.sleep(bench.scale.idle_seconds)
        after, seconds = subject.looks(), time.monotonic() - began
        memory = subject.looks(memory=True)
    return {
        "cpu": [100 * all_cpu(before, after) / seconds],
        "memory": [all_pss(memory) / MEGABYTE],
    }


MEASUREMENT = Measurement(
    name="idle",
    title="At rest",
    method="after a start and {scale.settle_seconds:g} s to settle, no flow runs, nobody "
    "asks; CPU of all containers over {scale.idle_seconds:g} s in percent of one "
    "core, and PSS of all processes. Zoe's health check is part of it; stock has "
    "none.",
    metrics=(
        Metric("cpu", "idle, CPU", "% of a core", Better.LESS),
        Metric("memory", "idle, memory (PSS)", "MB", Better.LESS),
    ),
    variants=ALL,
    take=take,
)
