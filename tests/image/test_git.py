"""A project in a git repository behind https: pushes, broken ones, a kill at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from tests.support import certificates, runs
from tests.support.container import Container, eventually, gateway, network, running
from tests.support.git_origin import Origin, served

TOKEN = "hidden-token-of-a-test"
KILLS = 6
FLOW = """
import time
from pathlib import Path

from prefect import flow


@flow(log_prints=True)
def versions(until: str = "") -> None:
    print("first", Path("version").read_text())
    while until and not Path(until).exists():
        time.sleep(0.1)
    # Only now, when another commit may be live.
    import version

    print("second", version.VERSION)
"""
FILE = "deployments:\n  - {name: versions, entrypoint: 'flow.py:versions', tags: [TAG]}\n"


def files(version: str) -> dict[str, str | None]:
    return {
        "flow.py": FLOW,
        "version": version,
        "version.py": f"VERSION = {version!r}\n",
        "deployments/d.yaml": FILE.replace("TAG", version),
    }


@dataclass
class Pushed:
    """A container that follows a repository."""

    container: Container
    client: httpx.Client
    origin: Origin

    def push(self, version: str) -> str:
        """Push a version and wait until it is live; return its commit."""
        commit = self.origin.commit(files(version))
        eventually(lambda: self.tags() == [version], what=f"version {version}")
        return commit

    def tags(self) -> list[str]:
        found = runs.deployments(self.client).get("versions")
        return found["tags"] if found else []

    def start(self, **parameters: str) -> str:
        deployment = runs.deployments(self.client)["versions"]["id"]
        return runs.create_run(self.client, deployment, **parameters)

    def lines(self, run: str) -> list[str]:
        return [
            record["message"]
            for record in runs.logs(self.client, run)
            if record["message"].split()[0] in {"first", "second"}
        ]

    def checkouts(self) -> set[str]:
        return set(
            self.container.exec("sh", "-c", "cd /data/projects/*/ && ls -d [0-9a-f]*").split()
        )

    def is_followed(self, pid: int) -> bool:
        """Tell whether another deployer is up, long enough for its death to be no failed start."""
        deployer = self.container.status()["programs"]["deployer"]
        return deployer["pid"] not in {pid, None} and deployer["state"] == "RUNNING"

    def problems(self) -> list[str]:
        found: list[str] = self.container.status()["deployer"]["problems"]
        return found


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    root = tmp_path_factory.mktemp("git")
    root.chmod(0o755)
    (root / "token").write_text(TOKEN + "\n")
    origin = Origin(root / "flows")
    origin.commit(files("v0"))
    with ExitStack() as stack:
        net = stack.enter_context(network())
        here = gateway(net)
        certificate = certificates.write(root, "git", address=here)
        port = stack.enter_context(served(root, certificate, "token", TOKEN, here))
        container = stack.enter_context(
            running(
                f"--network={net}",
                f"--env=ZOE_PROJECTS=https://{here}:{port}/flows@main",
                "--env=ZOE_GIT_TOKEN_FILE=/run/secrets/token",
                f"--volume={root / 'token'}:/run/secrets/token:ro",
                "--env=ZOE_GIT_CA_FILE=/run/secrets/ca.pem",
                f"--volume={certificate[0]}:/run/secrets/ca.pem:ro",
                "--env=ZOE_GIT_INTERVAL=1",
                "--env=ZOE_DEPLOY_INTERVAL=1",
            )
        )
        container.wait_healthy()
        yield Pushed(container, stack.enter_context(container.client()), origin)


def test_a_run_stays_on_the_commit_that_it_began_on(pushed: Pushed) -> None:
    first = pushed.push("v1")
    old = pushed.start(until="/data/go-on")
    eventually(lambda: pushed.lines(old) == ["first v1"], what="its first line")
    second = pushed.push("v2")
    new = pushed.start()
    assert runs.finished(pushed.client, new)["type"] == "COMPLETED"
    eventually(lambda: pushed.lines(new) == ["first v2", "second v2"], what="the new version")
    assert pushed.checkouts() == {first, second}
    pushed.container.exec("touch", "/data/go-on")
    assert runs.finished(pushed.client, old)["type"] == "COMPLETED"
    eventually(lambda: pushed.lines(old) == ["first v1", "second v1"], what="the old version")
    eventually(lambda: pushed.checkouts() == {second}, what="one checkout")


def test_a_broken_push_changes_nothing_and_a_revert_mends_it(pushed: Pushed) -> None:
    pushed.push("v3")
    broken = pushed.origin.commit({**files("v4"), "flow.py": "this is not Python\n"})
    eventually(lambda: any(broken[:10] in one for one in pushed.problems()), what="the problem")
    assert any("deployments/d.yaml:2: flow.py cannot be loaded" in p for p in pushed.problems())
    assert pushed.tags() == ["v3"]
    run = pushed.start()
    assert runs.finished(pushed.client, run)["type"] == "COMPLETED"
    # It is seen where one looks.
    assert broken[:10] in pushed.container.exec("zoe", "status")
    pushed.origin.git("revert", "--no-edit", broken)
    eventually(lambda: pushed.problems() == [], what="no problem any more")
    assert pushed.tags() == ["v3"]


def test_a_deployer_that_is_killed_at_any_moment_is_followed_by_one_that_goes_on(
    pushed: Pushed,
) -> None:
    """Each at another moment of a fetch, a checkout, an inspection or an apply."""
    last = pushed.push("v5")
    for number in range(KILLS):
        pid = pushed.container.status()["programs"]["deployer"]["pid"]
        last = pushed.origin.commit(files(f"k{number}"))
        # The moments are spread over what a pass takes.
        pushed.container.exec("sh", "-c", f"sleep {0.8 * number}; kill -9 {pid}")
        eventually(partial(pushed.is_followed, pid), what="another deployer")
    eventually(lambda: pushed.tags() == [f"k{KILLS - 1}"], what="the last version")
    run = pushed.start()
    assert runs.finished(pushed.client, run)["type"] == "COMPLETED"
    eventually(lambda: len(pushed.lines(run)) == 2, what="its lines")
    assert {line.split()[1] for line in pushed.lines(run)} == {f"k{KILLS - 1}"}
    eventually(lambda: pushed.checkouts() == {last}, what="one checkout")
    assert pushed.container.exec("sh", "-c", "ls -A /data/projects/*/ | grep new || true") == ""


def test_the_token_is_nowhere_but_in_its_file(pushed: Pushed) -> None:
    pushed.push("v6")
    container = pushed.container
    plan = container.exec("zoe", "deploy", "plan", "--json")
    for text in (container.logs(), plan, container.exec("zoe", "config", "show")):
        assert TOKEN not in text
    # `grep` has the word in its own arguments, by the shell that was given it in another form.
    search = 't=$(printf %s-%s hidden token-of-a-test); grep -rl -e "$t"'
    (found,) = container.exec("sh", "-c", f"{search} /data /tmp 2>/dev/null || true").split()
    assert found.endswith("/zoe/git/credentials")
    assert container.exec("stat", "-c", "%a", found).strip() == "600"
    look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"
    assert TOKEN not in container.exec("sh", "-c", look)


def test_a_checkout_cannot_be_changed_by_a_run(pushed: Pushed) -> None:
    pushed.push("v7")
    code = pushed.container.exit_code_of("sh", "-c", "touch /data/projects/*/[0-9a-f]*/x")
    assert code != 0
