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
SECRET = "hidden-password-of-a-test"
ENVIRONMENT_FLOW = """
import os

from prefect import flow


@flow(log_prints=True)
def environment() -> None:
    print(os.environ["REGION"], os.environ["PORT"], len(os.environ["DB_PASSWORD"]))
"""
ENVIRONMENT = """
deployments:
  - name: environment
    entrypoint: flows/environment.py:environment
    env: {REGION: eu, PORT: 8080}
    secret_env: {DB_PASSWORD: db-password}
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
    assert "changed deployment" not in container.logs()
    assert "put back" not in container.logs()


def test_what_somebody_changed_is_put_back_and_a_pause_is_respected(
    container: Container, client: httpx.Client
) -> None:
    there = runs.deployments(client)["greet"]
    path = f"deployments/{there['id']}"
    client.patch(path, json={"tags": ["theirs"], "paused": True}).raise_for_status()
    eventually(lambda: runs.deployments(client)["greet"]["tags"] == ["mine"], what="the tags")
    assert runs.deployments(client)["greet"]["paused"] is True
    said = "put back deployment hello/greet, changed on the server: tags"
    assert said in container.logs()


def test_runs_have_the_environment_that_the_file_gives_and_secrets_come_from_blocks(
    container: Container, client: httpx.Client, project: Path
) -> None:
    of_type = client.get("block_types/slug/secret").raise_for_status().json()["id"]
    matching = {"block_schemas": {"block_type_id": {"any_": [of_type]}}}
    schema = client.post("block_schemas/filter", json=matching).raise_for_status().json()[0]["id"]
    block = {
        "name": "db-password",
        "data": {"value": SECRET},
        "block_type_id": of_type,
        "block_schema_id": schema,
    }
    client.post("block_documents/", json=block).raise_for_status()
    (project / "flows" / "environment.py").write_text(ENVIRONMENT_FLOW, encoding="utf-8")
    (project / "deployments" / "env.yaml").write_text(ENVIRONMENT, encoding="utf-8")
    deployment = eventually(
        lambda: runs.deployments(client).get("environment"), what="the deployment"
    )
    assert SECRET not in str(deployment)
    run = runs.create_run(client, deployment["id"])
    assert runs.finished(client, run)["type"] == "COMPLETED"
    eventually(
        lambda: any(f"eu 8080 {len(SECRET)}" in one["message"] for one in runs.logs(client, run)),
        what="what the run has seen",
    )
    assert SECRET not in container.logs()
    assert SECRET not in container.exec("zoe", "deploy", "plan", "--json", check=False)


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


def test_what_vanishes_is_removed_once_the_project_can_be_read_whole(
    container: Container, client: httpx.Client, project: Path
) -> None:
    by_hand = client.post("variables/", json={"name": "by-hand", "value": 1}).raise_for_status()
    before = runs.create_run(client, runs.deployments(client)["greet"]["id"])
    assert runs.finished(client, before)["type"] == "COMPLETED"
    for name in ("good.yaml", "third.yaml", "env.yaml"):
        (project / "deployments" / name).unlink()
    (project / "deployments" / "objects.yaml").write_text(
        "work_pools:\n  - {name: lab, work_queues: [{name: urgent, priority: 1}]}\n"
        "variables:\n  - {name: region, value: {zones: [1]}}\n",
        encoding="utf-8",
    )
    eventually(lambda: client.get("work_pools/lab").is_success, what="the pool")
    planned = container.exec("zoe", "deploy", "plan", check=False)
    assert "deployment hello/greet stays until /project can be read" in planned
    assert "greet" in runs.deployments(client)

    (project / "deployments" / "worse.yaml").unlink()
    container.exec("zoe", "deploy", "apply")
    assert set(runs.deployments(client)) == {"broken"}
    assert client.get(f"flow_runs/{before}").raise_for_status().json()["state_type"] == "COMPLETED"
    assert client.get(f"variables/{by_hand.json()['id']}").is_success
    assert client.get("variables/name/region").json()["value"] == {"zones": [1]}
    planned = container.exec("zoe", "deploy", "plan", "--exit-code")
    assert "nothing to do; 4 are as declared" in planned
