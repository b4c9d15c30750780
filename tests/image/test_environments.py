"""Projects with packages of their own, from a wheelhouse: no index, and none is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import runs, wheels
from tests.support.container import Container, eventually, running

FLOW = """
import shutil
import sys
import time
from pathlib import Path

import zoetester
from prefect import flow


@flow(log_prints=True, name="of-NAME")
def packages(until: str = "") -> None:
    print("version", zoetester.VERSION, shutil.which("zoe-says"), sys.prefix)
    while until and not Path(until).exists():
        time.sleep(0.1)
"""
FILE = "deployments:\n  - {name: NAME, entrypoint: 'flow.py:packages'}\n"


@dataclass
class Packaged:
    """A container with two projects that ask for packages."""

    container: Container
    client: httpx.Client
    root: Path

    def ask(self, project: str, text: str) -> None:
        # A new file in place of the old: the deployer reads all of it, or none.
        new = self.root / project / "new"
        new.write_text(text, encoding="utf-8")
        new.rename(self.root / project / "requirements.txt")

    def command(self, name: str) -> str:
        found = runs.deployments(self.client).get(name)
        return str(found["job_variables"].get("command", "")) if found else ""

    def start(self, name: str, **parameters: str) -> str:
        deployment = runs.deployments(self.client)[name]["id"]
        return runs.create_run(self.client, deployment, **parameters)

    def lines(self, run: str) -> list[str]:
        messages = [record["message"] for record in runs.logs(self.client, run)]
        return [message for message in messages if message.startswith("version ")]

    def there(self) -> list[str]:
        listed = self.container.exec("sh", "-c", "cd /data/environments && ls -d [0-9a-f]* || true")
        return listed.split()

    def deployer(self) -> dict[str, Any]:
        found: dict[str, Any] = self.container.status()["deployer"]
        return found


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packaged]:
    root = tmp_path_factory.mktemp("packages")
    root.chmod(0o755)
    house = root / "wheels"
    house.mkdir()
    for version in ("1.0", "2.0"):
        wheels.make(house, "zoetester", version, ["prefect>=3"], script="zoe-says")
    for name in ("one", "two"):
        (root / name / "deployments").mkdir(parents=True)
        (root / name / "flow.py").write_text(FLOW.replace("NAME", name), encoding="utf-8")
        file = root / name / "deployments" / "d.yaml"
        file.write_text(FILE.replace("NAME", name), encoding="utf-8")
        (root / name / "requirements.txt").write_text("zoetester==1.0\n", encoding="utf-8")
    with running(
        f"--volume={root}:/projects:ro",
        "--env=ZOE_PROJECTS=/projects/one,/projects/two",
        "--env=ZOE_DEPLOY_INTERVAL=1",
        "--env=UV_OFFLINE=1",
        "--env=UV_FIND_LINKS=/projects/wheels",
    ) as container:
        container.wait_healthy()
        with container.client() as client:
            yield Packaged(container, client, root)


def test_two_projects_share_an_environment_and_their_runs_start_warm(packaged: Packaged) -> None:
    (environment,) = packaged.there()
    inside = f"/data/environments/{environment}"
    commands = {packaged.command(name) for name in ("one", "two")}
    assert commands == {f"zoe-flow-run --python {inside}/bin/python"}
    assert packaged.deployer()["problems"] == []
    for name in ("one", "two"):
        run = packaged.start(name)
        assert runs.finished(packaged.client, run)["type"] == "COMPLETED"
        (line,) = eventually(partial(packaged.lines, run), what="its line")
        assert line == f"version 1.0 {inside}/bin/zoe-says {inside}"
    said = f"{inside}: flow runs start warm"
    eventually(lambda: said in packaged.container.logs(), what="a template of the environment")
    cold = packaged.container.logs().count("starts cold")
    assert runs.finished(packaged.client, packaged.start("one"))["type"] == "COMPLETED"
    assert packaged.container.logs().count("starts cold") == cold
    # Nobody changes what others share.
    assert packaged.container.exit_code_of("sh", "-c", f"touch {inside}/lib/x") != 0


def test_a_conflict_is_refused_in_words_and_what_is_live_stays(packaged: Packaged) -> None:
    before = packaged.command("one")
    packaged.ask("one", "zoetester==2.0\nprefect==2.20\n")
    problems = eventually(lambda: packaged.deployer()["problems"], what="the problem")
    assert len(problems) == 1
    assert problems[0].startswith(
        "/projects/one/requirements.txt:2: prefect==2.20 does not go with Zoe's own prefect "
    )
    assert problems[0] in packaged.container.exec("zoe", "status")
    assert packaged.container.exit_code_of("zoe", "deploy", "apply") == 2
    assert packaged.command("one") == before
    assert runs.finished(packaged.client, packaged.start("one"))["type"] == "COMPLETED"


def test_an_environment_stays_for_its_runs_and_goes_after_them(packaged: Packaged) -> None:
    for name in ("one", "two"):
        packaged.ask(name, "zoetester==1.0\n")
    eventually(lambda: packaged.deployer()["problems"] == [], what="no problem")
    (old,) = packaged.there()
    run = packaged.start("one", until="/data/go-on")
    eventually(lambda: packaged.lines(run), what="its line")
    for name in ("one", "two"):
        packaged.ask(name, "zoetester\n")
    eventually(lambda: old not in packaged.command("one") + packaged.command("two"), what="another")
    new = packaged.start("two")
    assert runs.finished(packaged.client, new)["type"] == "COMPLETED"
    (line,) = eventually(lambda: packaged.lines(new), what="its line")
    assert line.startswith("version 2.0 ")
    assert old in packaged.there()
    packaged.container.exec("touch", "/data/go-on")
    assert runs.finished(packaged.client, run)["type"] == "COMPLETED"
    eventually(lambda: len(packaged.there()) == 1, what="one environment")
    assert old not in packaged.there()
