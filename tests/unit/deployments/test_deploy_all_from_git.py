"""The script as a pipeline runs it: a process of its own, a real repository, a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.unit.deployments.conftest import commit_all
from tests.unit.flows.server_process import prefect_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[3]
SCRIPT = PROJECT / "deployments" / "deploy_all_from_git.py"
NAMES = {
    "simple-print-flow/simple-print",
    "run-shell-command/run-shell-command",
    "run-multiple-flows/run-multiple-flows",
    "create-file-on-windows/create-file-on-windows",
    "content-filenames-verification-flow/content-filenames-verification",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an empty work pool, for the time of this module."""
    with prefect_server(tmp_path_factory.mktemp("prefect-home")) as url:
        pool = {"name": "default", "type": "process"}
        httpx.post(f"{url}/work_pools/", json=pool).raise_for_status()
        yield url


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env={**clean, "PREFECT_HOME": str(cwd / "prefect-home"), **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def deploy(
    repository: Path | str, *options: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    arguments = ["--repository", str(repository), "--branch", "main", *options]
    return run(SCRIPT, *arguments, cwd=cwd, **environment)


def stored(server: str) -> dict[str, dict[str, Any]]:
    """Give all deployments, without what differs from one registration to the next."""
    found = httpx.post(f"{server}/deployments/filter", json={}).raise_for_status().json()
    deployments: dict[str, dict[str, Any]] = {}
    for deployment in found:
        for key in ("updated", "last_polled", "status"):
            del deployment[key]
        for schedule in deployment["schedules"]:
            del schedule["updated"]
        deployments[deployment["name"]] = deployment
    assert len(deployments) == len(found)
    return deployments


def test_it_registers_what_prefect_itself_would_and_twice_is_once(
    server: str, repository: Path, tmp_path: Path
) -> None:
    for file in ("examples.yaml", "verification.yaml"):
        command = ["-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file"]
        stock = run(*command, f"deployments/{file}", cwd=repository, PREFECT_API_URL=server)
        assert stock.returncode == 0, stock.stdout + stock.stderr
    by_prefect = stored(server)

    first = deploy(repository, cwd=tmp_path, PREFECT_API_URL=server)
    assert first.returncode == 0, first.stderr
    assert {line.split()[1] for line in first.stdout.splitlines()} == NAMES
    assert {line.split()[0] for line in first.stdout.splitlines()} == {"updated"}
    by_script = stored(server)
    step = {"repository": repository.as_uri(), "branch": "main"}
    for name, deployment in by_script.items():
        assert deployment["pull_steps"] == [{"prefect.deployments.steps.git_clone": step}]
        differing = {key for key in deployment if deployment[key] != by_prefect[name][key]}
        assert differing <= {"pull_steps", "version"}

    again = deploy(repository, cwd=tmp_path, PREFECT_API_URL=server)
    assert {line.split()[0] for line in again.stdout.splitlines()} == {"unchanged"}
    assert stored(server) == by_script


def test_what_leaves_the_file_leaves_the_deployment(
    server: str, repository: Path, tmp_path: Path
) -> None:
    (repository / "deployments" / "examples.yaml").unlink()
    file = repository / "deployments" / "verification.yaml"
    text = file.read_text().replace("name: content-filenames-verification", "name: changing")
    file.write_text(text)
    commit_all(repository)
    created = deploy(repository, cwd=tmp_path, PREFECT_API_URL=server)
    assert created.stdout.startswith("created content-filenames-verification-flow/changing ")
    assert len(stored(server)["changing"]["schedules"]) == 1

    file.write_text(text[: text.index("    schedules:")])
    commit_all(repository)
    changed = deploy(repository, cwd=tmp_path, PREFECT_API_URL=server)
    assert changed.stdout.startswith("updated content-filenames-verification-flow/changing ")
    assert stored(server)["changing"]["schedules"] == []


def assert_refused(
    result: subprocess.CompletedProcess[str], *words: str, exit_code: int = 2
) -> None:
    assert result.returncode == exit_code, result.stderr
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


def test_the_operators_mistakes_are_explained_in_one_line(
    server: str, repository: Path, tmp_path: Path
) -> None:
    def attempt(*options: str, at: Path | str = repository) -> subprocess.CompletedProcess[str]:
        return deploy(at, *options, cwd=tmp_path, PREFECT_API_URL=server)

    assert_refused(attempt(at=tmp_path / "missing"), "--repository", "does not exist")
    assert_refused(attempt("--branch", "nope"), "no branch 'nope'", "--branch")
    assert_refused(attempt("--work-pool", "nope"), "no work pool 'nope'", "--work-pool")
    assert_refused(attempt("--folder", "nope"), "'nope'", "--folder")
    assert_refused(attempt("--access-token-block", "nope"), "Secret block 'nope'")


def test_a_flow_that_cannot_be_loaded_stops_it_before_anything_is_registered(
    server: str, repository: Path, tmp_path: Path
) -> None:
    entrypoints = ("simple_print_flow.py:simple_print_flow", "broken.py:missing")
    deployments = [
        {"name": "new", "entrypoint": f"flows/{entrypoint}", "work_pool": {"name": "default"}}
        for entrypoint in entrypoints
    ]
    (repository / "deployments" / "zzz.yaml").write_text(json.dumps({"deployments": deployments}))
    (repository / "flows" / "broken.py").write_text("raise RuntimeError(__file__)\n")
    commit_all(repository)
    result = deploy(repository, cwd=tmp_path, PREFECT_API_URL=server)
    assert_refused(result, "of flows/broken.py:missing", "in 'flows/broken.py'. ")
    assert "new" not in stored(server)


def test_a_server_must_be_named(repository: Path, tmp_path: Path) -> None:
    assert_refused(deploy(repository, cwd=tmp_path), "PREFECT_API_URL")


def test_an_address_that_is_not_the_api_is_explained(
    server: str, repository: Path, tmp_path: Path
) -> None:
    elsewhere = server.removesuffix("/api") + "/elsewhere"
    result = deploy(repository, cwd=tmp_path, PREFECT_API_URL=elsewhere)
    assert_refused(result, "PREFECT_API_URL", "/api")


def test_a_server_that_is_not_there_is_the_worlds_fault(repository: Path, tmp_path: Path) -> None:
    result = deploy(repository, cwd=tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert_refused(result, "cannot be reached", "PREFECT_API_URL", exit_code=1)


class Refusing(BaseHTTPRequestHandler):
    """Answers like a server that asks for a password."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.mark.parametrize(
    ("password", "words"),
    [({}, "is not set"), ({"PREFECT_API_AUTH_STRING": "a:b"}, "not the right")],
)
def test_a_server_that_refuses_us_is_explained(
    repository: Path, tmp_path: Path, password: dict[str, str], words: str
) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        threading.Thread(target=refusing.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{refusing.server_port}/api"
        result = deploy(repository, cwd=tmp_path, PREFECT_API_URL=url, **password)
        refusing.shutdown()
    assert_refused(result, "PREFECT_API_AUTH_STRING", words)
