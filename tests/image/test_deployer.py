"""A project of one's own: the server follows the files, and a bad file stops nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import runs
from tests.support.container import Container, eventually, running

FLOW = '''
from prefect import flow


@flow
def hello(name: str = "you") -> None:
    """Greet."""
    print(name)
'''
GOOD = """
deployments:
  - name: greet
    entrypoint: flows/hello.py:hello
    tags: [mine]
    work_pool:
      name: default
    schedules:
      - cron: "0 3 * * *"
        timezone: Europe/Berlin
"""
BAD = """
deployments:
  - name: broken
    entrypont: flows/hello.py:hello
"""
NOT_YAML = "deployments: [\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    root.chmod(0o755)
    (root / "flows").mkdir()
    (root / "deployments").mkdir()
    (root / "flows" / "hello.py").write_text(FLOW, encoding="utf-8")
    (root / "deployments" / "good.yaml").write_text(GOOD, encoding="utf-8")
    (root / "deployments" / "bad.yaml").write_text(BAD, encoding="utf-8")
    (root / "deployments" / "worse.yaml").write_text(NOT_YAML, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def container(project: Path) -> Iterator[Container]:
    with running(
        f"--volume={project}:/project:ro",
        "--env=ZOE_PROJECTS=/project",
        "--env=ZOE_DEPLOY_INTERVAL=1",
    ) as container:
        container.wait_healthy()
        yield container


@pytest.fixture(scope="module")
def client(container: Container) -> Iterator[httpx.Client]:
    with container.client() as client:
        yield client


def test_good_files_are_applied_and_bad_ones_are_told_by_file_line_and_cause(
    container: Container, client: httpx.Client
) -> None:
    assert set(runs.deployments(client)) == {"greet"}
    problems = container.status()["deployer"]["problems"]
    assert any(
        problem.startswith("/project/deployments/bad.yaml:4: unknown key 'entrypont'")
        and "'entrypoint'" in problem
        for problem in problems
    ), problems
    assert any(problem.startswith("/project/deployments/worse.yaml:") for problem in problems)
    log, told = container.logs(), container.exec("zoe", "status")
    for problem in problems:
        assert problem in log
        assert problem in told
        assert log.count(problem) == 1, "said again at every pass"


def test_further_passes_change_nothing(container: Container, client: httpx.Client) -> None:
    before = runs.deployments(client)["greet"]["updated"]
    passed = container.status()["deployer"]["at"]
    eventually(lambda: container.status()["deployer"]["at"] > passed, what="another pass")
    assert runs.deployments(client)["greet"]["updated"] == before
    assert "updated" not in container.logs()


def test_what_somebody_changed_is_put_back_and_a_pause_is_respected(
    container: Container, client: httpx.Client
) -> None:
    there = runs.deployments(client)["greet"]
    path = f"deployments/{there['id']}"
    client.patch(path, json={"tags": ["theirs"], "paused": True}).raise_for_status()
    eventually(lambda: runs.deployments(client)["greet"]["tags"] == ["mine"], what="the tags")
    assert runs.deployments(client)["greet"]["paused"] is True
    assert "updated hello/greet: tags" in container.logs()


@pytest.mark.usefixtures("container")
def test_a_changed_file_changes_its_deployment_in_place(
    client: httpx.Client, project: Path
) -> None:
    before = runs.deployments(client)["greet"]
    changed = GOOD.replace("0 3", "0 4").replace("[mine]", "[mine, new]")
    (project / "deployments" / "good.yaml").write_text(changed, encoding="utf-8")

    def crons() -> list[str]:
        schedules = runs.deployments(client)["greet"]["schedules"]
        return [schedule["schedule"]["cron"] for schedule in schedules]

    eventually(lambda: crons() == ["0 4 * * *"], what="the new schedule")
    after = runs.deployments(client)["greet"]
    assert after["id"] == before["id"]
    assert after["tags"] == ["mine", "new"]


def test_a_mended_file_is_applied(
    container: Container, client: httpx.Client, project: Path
) -> None:
    mended = BAD.replace("entrypont", "entrypoint")
    (project / "deployments" / "bad.yaml").write_text(mended, encoding="utf-8")
    eventually(lambda: "broken" in runs.deployments(client), what="the mended deployment")
    eventually(
        lambda: not any("bad.yaml" in p for p in container.status()["deployer"]["problems"]),
        what="a status without the problem",
    )
    assert "mended: /project/deployments/bad.yaml:4" in container.logs()


def test_a_missing_function_is_told_at_its_deployment(
    container: Container, client: httpx.Client, project: Path
) -> None:
    wrong = GOOD.replace("name: greet", "name: other").replace(":hello", ":nobody")
    (project / "deployments" / "third.yaml").write_text(wrong, encoding="utf-8")
    found = eventually(
        lambda: [p for p in container.status()["deployer"]["problems"] if "third.yaml" in p],
        what="the problem",
    )
    assert len(found) == 1
    assert "nobody" in found[0]
    assert found[0].startswith("/project/deployments/third.yaml:3")
    assert "other" not in runs.deployments(client)
