"""What was measured: samples as they come in, figures made of them, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import summarise, times_better
from tests.bench.model import Measurement, Metric, Samples, Variant
from tests.bench.scales import SCALES

FORMAT = 1


@dataclass
class Taken:
    """What one measurement has yielded so far.

    Attributes:
        measurement: Which one.
        samples: By variant and series, of all repetitions.
        failures: Why it failed, by variant; such a variant has no figures.
        at: The day it began.
        scale: The name of the sizes.
        repetitions: How often it was to be done.
        machine: How many cores, and which versions.
    """

    measurement: Measurement
    at: str
    scale: str
    repetitions: int
    machine: Mapping[str, Any]
    samples: dict[Variant, dict[str, list[float]]] = field(default_factory=dict)
    failures: dict[Variant, str] = field(default_factory=dict)

    def add(self, variant: Variant, samples: Samples) -> None:
        """Add what one repetition has yielded."""
        series = self.samples.setdefault(variant, {})
        for name, values in samples.items():
            series.setdefault(name, []).extend(values)

    def fail(self, variant: Variant, why: str) -> None:
        """Put on record that a variant did not come through; the first reason counts."""
        self.failures.setdefault(variant, why)

    def value(self, metric: Metric, variant: Variant) -> float | None:
        """Return a variant's figure; None where there is none."""
        if variant in self.failures:
            return None
        samples = self.samples.get(variant, {}).get(metric.source)
        return summarise(metric, samples) if samples else None

    def ratio(self, metric: Metric, variant: Variant, reference: Variant) -> float | None:
        """Return how many times better a variant is than another."""
        return times_better(metric, self.value(metric, variant), self.value(metric, reference))

    def as_json(self) -> dict[str, Any]:
        """Return all of it; figures and ratios for who reads it, samples for who doubts them."""
        return {
            "title": self.measurement.title,
            "method": self.measurement.how(SCALES[self.scale]),
            "at": self.at,
            "scale": self.scale,
            "repetitions": self.repetitions,
            "machine": dict(self.machine),
            "failures": {str(variant): why for variant, why in self.failures.items()},
            "samples": {str(variant): series for variant, series in self.samples.items()},
            "metrics": [self._metric_as_json(metric) for metric in self.measurement.metrics],
        }

    def _metric_as_json(self, metric: Metric) -> dict[str, Any]:
        return {
            "key": metric.key,
            "title": metric.title,
            "unit": metric.unit,
            "better": metric.better.value,
            "summary": metric.summary.value,
            "values": {
                str(variant): self.value(metric, variant) for variant in self.measurement.variants
            },
            "times_better_than": {
                str(reference): {
                    str(variant): self.ratio(metric, variant, reference)
                    for variant in self.measurement.variants
                    if variant is not reference
                }
                for reference in (Variant.STOCK, Variant.TUNED)
                if reference in self.measurement.variants
            },
        }


Results = dict[str, Taken]


def dump(results: Results) -> str:
    """Return the results as JSON."""
    measurements = {name: taken.as_json() for name, taken in results.items()}
    return json.dumps({"format": FORMAT, "measurements": measurements}, indent=1) + "\n"


def parse(text: str, known: Iterable[Measurement]) -> Results:
    """Return results from their JSON; those of measurements that are no more are left out.

    Raises:
        ValueError: It is not the JSON of results.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("is not what the bench has written")
    found = document["measurements"]
    return {
        measurement.name: _taken(measurement, found[measurement.name])
        for measurement in known
        if measurement.name in found
    }


def _taken(measurement: Measurement, entry: Mapping[str, Any]) -> Taken:
    return Taken(
        measurement=measurement,
        at=entry["at"],
        scale=entry["scale"],
        repetitions=entry["repetitions"],
        machine=entry["machine"],
        samples={Variant(variant): dict(series) for variant, series in entry["samples"].items()},
        failures={Variant(variant): why for variant, why in entry["failures"].items()},
    )


def merged(earlier: Results, now: Results, known: Iterable[Measurement]) -> Results:
    """Return what is on record after a run, in the usual order: the newer of each measurement.

    A measurement is replaced as a whole, so that its ratios are always those of one run.
    """
    both = {**earlier, **now}
    return {
        measurement.name: both[measurement.name]
        for measurement in known
        if measurement.name in both
    }


def read(path: Path, known: Iterable[Measurement]) -> Results:
    """Return what a file holds; nothing where there is none.

    Raises:
        ValueError: The file holds something else.
    """
    return parse(path.read_text(encoding="utf-8"), known) if path.exists() else {}
