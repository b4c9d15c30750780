"""Deploying many flows."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx

from tests.bench.bench import Bench
from tests.bench.model import SERVER_ONLY, Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects.project import CATALOGUE, hundred, put
from tests.bench.subjects.starting import started
from tests.bench.subjects.subject import POOL, PROJECT, Subject
from tests.support.container import eventually

PUT = f"cat > {PROJECT}/many/.all && mv {PROJECT}/many/.all {PROJECT}/{CATALOGUE}"


def take(bench: Bench, variant: Variant) -> Samples:
    size = bench.scale.flows
    files = hundred(size)
    catalogue = files.pop(CATALOGUE)
    # Everything but the catalogue: an empty directory for it, to begin with.
    put(bench.flows, {**files, "many/deployments/.keep": ""})
    wanted = replace(
        bench.wanted(variant),
        projects=f"{PROJECT}/many",
        environment=("ZOE_DEPLOY_INTERVAL=1",),
    )
    with started(wanted) as subject, subject.client() as client:
        time.sleep(bench.scale.settle_seconds)
        began = time.monotonic()
        subject.exec(subject.parts[0], "sh", "-c", PUT, stdin=catalogue.encode(), user="0")
        try:
            if variant.is_ours:
                eventually(lambda: _count(client) >= size, within=600, what="all deployments")
            else:
                _prefect_deploy(subject)
            seconds = time.monotonic() - began
            if (found := _count(client)) != size:
                raise RuntimeError(f"{found} of {size} were deployed")
        finally:
            subject.exec(subject.parts[0], "rm", "-rf", f"{PROJECT}/many", user="0")
    return {"seconds": [seconds]}


def _prefect_deploy(subject: Subject) -> None:
    command = f"cd {PROJECT}/many && prefect --no-prompt deploy --all --prefect-file {{}}"
    api = "PREFECT_API_URL=http://127.0.0.1:4200/api"
    file = CATALOGUE.removeprefix("many/")
    subject.exec(subject.parts[0], "env", api, "sh", "-c", command.format(file))


def _count(client: httpx.Client) -> int:
    body = {"work_pools": {"name": {"any_": [POOL]}}}
    number: int = client.post("deployments/count", json=body).raise_for_status().json()
    return number


MEASUREMENT = Measurement(
    name="deployment",
    title="Deploying many flows",
    method="{scale.flows} flows in a file each, declared in one file; from its appearance "
    "until all are on the server. Zoe's deployer looks every second here (15 s by "
    "default), `prefect deploy --all` is called at once.",
    metrics=(Metric("seconds", "deployment of many flows", "s", Better.LESS),),
    variants=SERVER_ONLY,
    take=take,
)
