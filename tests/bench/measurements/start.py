"""From `docker run` to healthy, on an empty volume and on one that was used."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.bench import Bench
from tests.bench.model import Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects.starting import started
from tests.bench.subjects.subject import Subject
from tests.bench.workload import ask
from tests.support.container import volume


def take(bench: Bench, variant: Variant) -> Samples:
    with volume() as data:
        # With the project that the image ships: that is what its first start is.
        wanted = replace(bench.wanted(variant), data=data, projects="")
        with started(wanted) as first:
            _use(first, bench.scale.used_runs)
            first.stop()
        with started(wanted) as second:
            second.stop()
    return {
        "empty": [first.answered_after],
        "empty_ready": [first.ready_after],
        "used": [second.answered_after],
        "used_ready": [second.ready_after],
    }


def _use(subject: Subject, runs: int) -> None:
    with subject.client() as client:
        flow = ask(client, "flows/", {"name": "past"})["id"]
        for _ in range(runs):
            ask(client, "flow_runs/", {"flow_id": flow, "state": {"type": "COMPLETED"}})


def _seconds(key: str, title: str) -> Metric:
    return Metric(key, title, "s", Better.LESS)


MEASUREMENT = Measurement(
    name="start",
    title="Start",
    method="seconds from `docker run` until `/api/health` is good, and until a worker is "
    "online. Zoe deploys its examples before that; stock has none. The used volume "
    "holds {scale.used_runs} finished runs.",
    metrics=(
        _seconds("empty", "start on an empty volume, API healthy"),
        _seconds("empty_ready", "start on an empty volume, worker online"),
        _seconds("used", "start on a used volume, API healthy"),
        _seconds("used_ready", "start on a used volume, worker online"),
    ),
    variants=(Variant.STOCK, Variant.COLD, Variant.ZOE),
    take=take,
)
