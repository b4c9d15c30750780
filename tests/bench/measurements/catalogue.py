"""All measurements, in the order of table, chart and page."""

from __future__ import annotations

from tests.bench.measurements import (
    apply,
    burst,
    clients,
    cpu,
    deployment,
    idle,
    image_size,
    latency,
    memory,
    start,
    stopping,
    tasks,
)
from tests.bench.model import Measurement

MEASUREMENTS: tuple[Measurement, ...] = (
    latency.MEASUREMENT,
    burst.MEASUREMENT,
    tasks.MEASUREMENT,
    cpu.MEASUREMENT,
    memory.MEASUREMENT,
    start.MEASUREMENT,
    stopping.MEASUREMENT,
    clients.ON_SQLITE,
    clients.ON_POSTGRES,
    deployment.MEASUREMENT,
    apply.MEASUREMENT,
    idle.MEASUREMENT,
    image_size.MEASUREMENT,
)
