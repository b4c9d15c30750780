"""Every case twice, by a fork of the template and in an interpreter of its own: no difference."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import cases_of_runs, environments, runs
from tests.support.container import Container, eventually, running

WAYS = ("warm", "cold")
# An environment with a Prefect of its own, Dask and numpy, as users make them.
OTHER = Path("/project/other")
OTHER_PYTHON = OTHER / "bin" / "python"
LOCK = Path(__file__).parent / "requirements.lock"


@dataclass(frozen=True)
class Case:
    """One flow, and how it is run.

    Attributes:
        flow: The function.
        parameters: Its parameters.
        variables: Job variables.
        project: Which of the two projects it comes from.
        is_elsewhere: It is for the other Python environment.
        during: The state that it is set to once it has begun.
        is_cut: It dies before Prefect has sent its log, which it does now and then: how much is
            there is chance, in the one as in the other.
    """

    flow: str
    parameters: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    project: str = "one"
    is_elsewhere: bool = False
    during: str = ""
    is_cut: bool = False


CASES = {
    "parameters": Case("parameters", {"number": 3, "words": ["a", "ö"]}),
    "retries": Case("retries"),
    "timeout": Case("times_out"),
    "retries of a task": Case("task_retries"),
    "exit 0": Case("exits", {"code": 0}),
    "exit 3": Case("exits", {"code": 3}),
    "exit at once": Case("exits_at_once", {"code": 5}),
    "exception": Case("fails"),
    "interrupt": Case("is_interrupted"),
    "SIGKILL": Case("kills_itself", {"number": int(signal.SIGKILL)}, is_cut=True),
    "SIGTERM": Case("kills_itself", {"number": int(signal.SIGTERM)}, is_cut=True),
    "SIGSEGV": Case("kills_itself", {"number": int(signal.SIGSEGV)}, is_cut=True),
    "cancellation": Case("waits", during="CANCELLING"),
    "cancellation of a coroutine": Case("waits_in_a_loop", during="CANCELLING"),
    "surroundings": Case("surroundings", variables={"env": {"CASE": "x"}}),
    "working directory": Case("where", variables={"working_dir": "/project/two"}),
    "modules of project one": Case("neighbours"),
    "modules of project two": Case("neighbours", project="two"),
    "PYTHONPATH": Case("pythonpath", variables={"env": {"PYTHONPATH": "/project/shelf"}}),
    "log": Case("talks"),
    "log level": Case("level", variables={"env": {"PREFECT_LOGGING_LEVEL": "ERROR"}}),
    "subprocesses": Case("subprocesses"),
    "threads": Case("threads"),
    "coroutines": Case("asynchronous"),
    "processes by fork": Case("processes", {"method": "fork"}),
    "processes by spawn": Case("processes", {"method": "spawn"}),
    "tasks in threads": Case("in_threads"),
    "tasks in processes": Case("in_processes"),
    "results and cache": Case("cached"),
    "another environment": Case("with_numpy", is_elsewhere=True),
    "tasks in Dask": Case("in_dask", is_elsewhere=True),
    "vandal": Case("vandalises"),
    "after the vandal": Case("looks"),
    "subflows": Case("outer"),
}
# What differs between any two runs.
NOISE = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "<id>"),
    (re.compile(r"'[a-z]+-[a-z]+'"), "<name>"),
    (re.compile(r"/\w+/\w+prefect\b"), "<temporary>"),
    (re.compile(r"-[0-9a-f]{3}\b"), "-<task>"),
    (re.compile(r"\d+\.\d+ ?s(econds)?"), "<seconds>"),
    (re.compile(r"process \d+|[Pp]rocess ID:? \d+|pid \d+", re.IGNORECASE), "<process>"),
]


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    root = tmp_path_factory.mktemp("warm")
    project = root / "project"
    cases_of_runs.write(project)
    environments.make(project / OTHER.name, OTHER, LOCK)
    root.chmod(0o755)
    with running(
        f"--volume={project}:/project:ro",
        "--env=ZOE_PROJECTS=/data",
        "--env=ZOE_PRELOAD=numpy",
    ) as container:
        container.wait_healthy()
        eventually(lambda: "flow runs start warm" in container.logs(), what="a template")
        # The first run there begins before there is one.
        with container.client() as client:
            (first,) = begin(client, {("first", "warm"): Case("draws", is_elsewhere=True)}).values()
            assert runs.finished(client, first)["type"] == "COMPLETED"
        there = f"{OTHER}: flow runs start warm"
        eventually(lambda: there in container.logs(), what="a template of the other environment")
        yield container


@pytest.fixture(scope="module")
def client(container: Container) -> Iterator[httpx.Client]:
    with container.client() as client:
        yield client


@pytest.fixture(scope="module")
def started(container: Container, client: httpx.Client) -> dict[tuple[str, str], str]:
    """All runs, begun at once; those that are to be cancelled already are."""
    del container
    # The two of a case side by side; the vandals among the first.
    names = sorted(CASES, key=lambda name: (not CASES[name].during, name != "vandal"))
    ids = begin(client, {(name, way): CASES[name] for name in names for way in WAYS})
    for (name, _), run in ids.items():
        state = CASES[name].during
        if state:
            eventually(partial(has_said, client, run, "begun"), what="its first word")
            body = {"state": {"type": state}}
            client.post(f"flow_runs/{run}/set_state", json=body).raise_for_status()
    return ids


def begin(
    client: httpx.Client, cases: Mapping[tuple[str, str], Case]
) -> dict[tuple[str, str], str]:
    """Create a run of each case in its way; return their ids."""
    flow = client.post("flows/", json={"name": "case"}).raise_for_status().json()["id"]
    return {
        (name, way): start(client, flow, f"{name} {way}", case, command(way, case))
        for (name, way), case in cases.items()
    }


def command(way: str, case: Case) -> str | None:
    """Return what the job variables name; None where the work pool's own will do."""
    if way == "cold":
        return f"{OTHER_PYTHON if case.is_elsewhere else 'python'} -m prefect.engine"
    return f"zoe-flow-run --python {OTHER_PYTHON}" if case.is_elsewhere else None


def start(client: httpx.Client, flow: str, name: str, case: Case, command: str | None) -> str:
    directory = f"/project/{case.project}"
    variables = {**case.variables, **({"command": command} if command else {})}
    step: dict[str, Any] = {"set_working_directory": {"directory": directory}}
    if "working_dir" in variables:
        step = {"run_shell_script": {"script": "pwd"}}
    deployment = {
        "name": name,
        "flow_id": flow,
        "entrypoint": f"{directory}/cases.py:{case.flow}",
        "work_pool_name": "default",
        "job_variables": variables,
        "pull_steps": [{f"prefect.deployments.steps.{name}": step[name]} for name in step],
    }
    found = client.post("deployments/", json=deployment).raise_for_status().json()["id"]
    return runs.create_run(client, found, **case.parameters)


def has_said(client: httpx.Client, run: str, words: str) -> bool:
    return any(words in record["message"] for record in runs.logs(client, run))


def said_numbers(client: httpx.Client, run: str) -> list[Any]:
    """Return what a run has drawn; the last of a log comes after the state."""
    lines = [r["message"] for r in logs_of(client, run) if r["message"].startswith("[")]
    return [number for line in lines for number in json.loads(line)]


def without_noise(text: str) -> str:
    for pattern, word in NOISE:
        text = pattern.sub(word, text)
    return text


@pytest.mark.parametrize("name", CASES)
def test_no_difference(
    container: Container, client: httpx.Client, started: dict[tuple[str, str], str], name: str
) -> None:
    found = {way: outcome(container, client, started[name, way]) for way in WAYS}
    if CASES[name].is_cut:
        for one in found.values():
            del one["log"]
    assert found["warm"] == found["cold"]


def outcome(container: Container, client: httpx.Client, run: str) -> dict[str, Any]:
    """Return all that can be seen of a finished run from outside."""
    state = runs.finished(client, run)
    # The last of the log comes after the state; so do hooks that the worker runs.
    eventually(lambda: worker_forgot(container, run), what="the end of the worker's work")
    records = logs_of(client, run)
    return {
        "state": (state["type"], state["name"], without_noise(state["message"] or "")),
        "hook": container.exec("cat", f"/data/prefect/hook-{run}", check=False),
        "log": [
            (record["level"], without_noise(record["message"]))
            for record in records
            # The worker writes its own at its own pace.
            if record["name"] != "prefect.flow_runs.worker"
        ],
    }


def both(pids: str) -> list[str]:
    return pids.split() if len(pids.split()) == 2 else []


def worker_forgot(container: Container, run: str) -> bool:
    return container.exit_code_of("test", "-e", f"/data/worker/runs/{run}.json") != 0


def logs_of(client: httpx.Client, run: str) -> list[dict[str, Any]]:
    """Return the whole log, in order."""
    found: list[dict[str, Any]] = []
    while True:
        query = {
            "logs": {"flow_run_id": {"any_": [run]}},
            "sort": "TIMESTAMP_ASC",
            "limit": 200,
            "offset": len(found),
        }
        page = client.post("logs/filter", json=query).raise_for_status().json()
        found += page
        if len(page) < 200:
            return found


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_siblings_draw_different_numbers(
    container: Container, client: httpx.Client, *, is_elsewhere: bool
) -> None:
    """In the other environment numpy's generator is preloaded, which a fork does not seed anew."""
    del container
    case = Case("draws", is_elsewhere=is_elsewhere)
    drawn = set()
    for run in begin(client, {(f"draws {n}", "warm"): case for n in range(3)}).values():
        assert runs.finished(client, run)["type"] == "COMPLETED"
        drawn.update(eventually(partial(said_numbers, client, run), what="the last of its log"))
    assert len(drawn) == 3 * (3 if is_elsewhere else 2)


def test_every_run_that_should_be_was_warm_and_nothing_is_left(container: Container) -> None:
    # The very first of the other environment.
    assert container.logs().count("starts cold") == 1
    find = "grep -lz [a]ppliance.worker.warm /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"
    templates = eventually(lambda: both(container.exec("sh", "-c", find)), what="no child")
    for template in templates:
        # Standard streams, listener, its word to the worker.
        assert len(container.exec("ls", f"/proc/{template}/fd").split()) == 5
    states = container.exec("sh", "-c", "grep -h ^State: /proc/[0-9]*/status")
    assert "Z (zombie)" not in states
