"""The image's size. Stock's own image is not there to be compared with."""

from __future__ import annotations

from tests.bench.bench import Bench
from tests.bench.model import Better, Measurement, Metric, Samples, Variant
from tests.support.container import IMAGE, docker

MEGABYTE = 1_000_000


def take(bench: Bench, variant: Variant) -> Samples:
    del bench, variant  # it is the same, whatever is done with it
    size = docker("image", "inspect", "--format", "{{.Size}}", IMAGE).stdout
    return {"size": [int(size) / MEGABYTE]}


MEASUREMENT = Measurement(
    name="image",
    title="Image",
    method="its size on disk, uncompressed, with Postgres and git in it. Stock is measured "
    "in this very image, so that there is nothing to compare.",
    metrics=(Metric("size", "image", "MB", Better.LESS),),
    variants=(Variant.ZOE,),
    take=take,
)
