"""How long `docker stop` takes."""

from __future__ import annotations

import time

from tests.bench.bench import Bench
from tests.bench.model import Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects.starting import started


def take(bench: Bench, variant: Variant) -> Samples:
    with started(bench.wanted(variant)) as subject:
        time.sleep(bench.scale.settle_seconds)
        return {"seconds": [subject.stop()]}


MEASUREMENT = Measurement(
    name="stop",
    title="Stop",
    method="`docker stop` while no flow runs; stock's two containers are stopped at once.",
    metrics=(Metric("seconds", "docker stop, idle", "s", Better.LESS),),
    variants=(Variant.STOCK, Variant.COLD, Variant.ZOE),
    take=take,
)
