"""Many deployments in many files: all of them, none of them, one of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from tests.bench.bench import Bench
from tests.bench.model import SERVER_ONLY, Better, Measurement, Metric, Samples, Variant
from tests.bench.subjects import many_files
from tests.bench.subjects.project import put
from tests.bench.subjects.starting import started
from tests.bench.subjects.subject import POOL, PROJECT, Subject
from tests.bench.workload import ask

ROOT = f"{PROJECT}/{many_files.ROOT}"
STOCK_API = ("env", "PREFECT_API_URL=http://127.0.0.1:4200/api")
STOCK_POOL = (*STOCK_API, "prefect", "work-pool", "create", POOL, "--type", "process")
STOCK_DEPLOY = f"cd {ROOT} && exec prefect --no-prompt deploy --all"


def take(bench: Bench, variant: Variant) -> Samples:
    scale = bench.scale
    sizes = (scale.files, scale.deployments_each)
    write = many_files.files if variant.is_ours else many_files.one_file
    changed = many_files.name(scale.files // 2, 0)
    before, after = write(*sizes), write(*sizes, changed=changed)
    put(bench.flows, {**many_files.flows(), **before})
    # Nobody else who deploys, and no worker that takes what is due.
    wanted = replace(bench.wanted(variant), worker=False, projects=ROOT)
    with started(wanted) as subject, subject.client() as client:
        command = _Command(subject, variant)
        command.prepare()
        try:
            first = command.seconds(scale.settle_seconds)
            if (found := _count(client)) != scale.files * scale.deployments_each:
                raise RuntimeError(f"{found} were deployed")
            noop = command.seconds(scale.settle_seconds)
            command.write({path: text for path, text in after.items() if text != before[path]})
            one_change = command.seconds(scale.settle_seconds)
            if (rounds := _rounds(client, changed)) != many_files.CHANGED_ROUNDS:
                raise RuntimeError(f"the changed parameter is {rounds}")
        finally:
            subject.exec(subject.parts[0], "rm", "-rf", ROOT, user="0")
    return {"first": [first], "noop": [noop], "one_change": [one_change]}


@dataclass(frozen=True)
class _Command:
    """The command that deploys, in the container of the server."""

    subject: Subject
    variant: Variant

    def prepare(self) -> None:
        """Make what stock does not make by itself."""
        if not self.variant.is_ours:
            self.subject.exec(self.subject.parts[0], *STOCK_POOL)

    def seconds(self, settle: float) -> float:
        """Wait until nothing is left of what was before, deploy, and return how long that took."""
        time.sleep(settle)
        words: tuple[str, ...] = ("zoe", "deploy", "apply")
        if not self.variant.is_ours:
            words = (*STOCK_API, "sh", "-c", STOCK_DEPLOY)
        began = time.monotonic()
        self.subject.exec(self.subject.parts[0], *words)
        return time.monotonic() - began

    def write(self, files: Mapping[str, str]) -> None:
        """Change files of the project, as an editor does."""
        for path, text in files.items():
            words = ("sh", "-c", f"cat > {PROJECT}/{path}")
            self.subject.exec(self.subject.parts[0], *words, stdin=text.encode(), user="0")


def _count(client: httpx.Client) -> int:
    body = {"work_pools": {"name": {"any_": [POOL]}}}
    number: int = ask(client, "deployments/count", body)
    return number


def _rounds(client: httpx.Client, name: str) -> object:
    (found,) = ask(client, "deployments/filter", {"deployments": {"name": {"any_": [name]}}})
    return found["parameters"]["rounds"]


MEASUREMENT = Measurement(
    name="apply",
    title="Many deployments in many files",
    method="{scale.files} files with {scale.deployments_each} deployments each, with schedule, "
    "parameters and tags, of "
    f"{many_files.FLOWS} flows; seconds of one command from its start to its end, in the "
    "server's container: all of them are new, none has changed, one parameter of one has "
    "changed; {scale.settle_seconds:g} s of rest before each. Zoe's is `zoe deploy apply` with no "
    "deployer in the background; stock's is `prefect deploy --all`, which does everything each "
    "time. That takes one file at a time, and pays for its start each time; so it is given all "
    "deployments in one, which suits it best.",
    metrics=(
        Metric("first", "deploying many files, first time", "s", Better.LESS),
        Metric("noop", "deploying many files, no change", "s", Better.LESS),
        Metric("one_change", "deploying many files, one change", "s", Better.LESS),
    ),
    variants=SERVER_ONLY,
    take=take,
)
