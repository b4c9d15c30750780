"""Made-up measurements and what they yielded."""

from __future__ import annotations

from tests.bench.bench import Bench
from tests.bench.model import ALL, Better, Measurement, Metric, Samples, Summary, Variant
from tests.bench.results import Taken

SECONDS = Metric("seconds", "start", "s", Better.LESS)
SLOWEST = Metric("slowest", "start, p95", "s", Better.LESS, Summary.P95, series="seconds")
RATE = Metric("rate", "runs", "1/min", Better.MORE)


def never(bench: Bench, variant: Variant) -> Samples:
    raise NotImplementedError


def measurement(name: str, *metrics: Metric, variants: tuple[Variant, ...] = ALL) -> Measurement:
    return Measurement(name, f"The {name}", "somehow", metrics, variants, never)


def taken(made: Measurement, **samples: dict[str, list[float]]) -> Taken:
    machine = {"cores": 2, "load": 0.1, "prefect": "3.8.8", "python": "3.13.5"}
    result = Taken(made, "2026-01-02T03:04:05+00:00", "full", 3, machine)
    for name, series in samples.items():
        result.add(Variant(name.replace("_", "-")), series)
    return result
