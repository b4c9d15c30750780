"""Passes of the deployer: real files, real flows, a real server."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from appliance.deployer.environments.environments import Environments
from appliance.deployer.objects.every import kinds
from appliance.deployer.ownership import Store
from appliance.deployer.project import Project
from appliance.deployer.reconcile import Reconciler
from appliance.deployer.source import DirectorySource
from appliance.worker import pool
from tests.support import wheels
from tests.unit.conftest import RealServer
from tests.unit.deployer.watched_api import WatchedApi

FLOW = """
from prefect import flow
import helper

@flow(name=helper.NAME)
def f(count: int = 1):
    pass
"""
FILE = """
deployments:
  - name: hourly
    entrypoint: flows/f.py:f
    schedules:
      - cron: "0 * * * *"
  - name: broken
    entrypoint: flows/absent.py:f
"""


def make_project(root: Path, name: str) -> Project:
    for directory in ("flows", "deployments"):
        (root / directory).mkdir(parents=True)
    (root / "flows/f.py").write_text(FLOW)
    # In both projects a module of this name, with something else in it.
    (root / "flows/helper.py").write_text(f"NAME = {name!r}\n")
    (root / "deployments/d.yaml").write_text(FILE)
    return Project(root)


def reconciler(api: WatchedApi, scope: str, said: list[str], *projects: Project) -> Reconciler:
    api.writes = []
    pool.ensure(api, "default")
    store = Store(api, scope)
    return Reconciler(
        api,
        tuple(DirectorySource(project.root) for project in projects),
        "default",
        kinds("default", warm_start=True),
        store,
        said.append,
        lambda: None,
    )


def test_passes(real_server: RealServer, tmp_path: Path) -> None:
    one = make_project(tmp_path / "one", "flow of one")
    two = make_project(tmp_path / "two", "flow of two")
    absent = Project(tmp_path / "absent")
    said: list[str] = []
    with closing(real_server.connect(WatchedApi)) as api:
        deployer = reconciler(api, "passes", said, one, absent, two)

        first = deployer.run_pass()
        assert first.deployments == ("flow of one/hourly", "flow of two/hourly")
        assert said == [
            "created deployment flow of one/hourly",
            "created deployment flow of two/hourly",
        ]
        in_one, no_project, in_two = first.problems
        assert in_one == (f"{one.root}/deployments/d.yaml:7: there is no file flows/absent.py")
        assert in_two.startswith(f"{two.root}/deployments/d.yaml:7: ")
        assert no_project.startswith(f"{absent.root}: ")

        # Nothing has changed: nothing is inspected, and nothing is written.
        api.writes.clear()
        second = deployer.run_pass()
        assert api.writes == []
        assert (second.deployments, second.problems) == (first.deployments, first.problems)

        # What somebody changes on the server comes back, without a look at the flows.
        flow = api.get("/deployments/name/flow%20of%20one/hourly")
        api.patch(f"/deployments/{flow['id']}", {"tags": ["by hand"]})
        api.writes.clear()
        said.clear()
        deployer.run_pass()
        assert said == ["put back deployment flow of one/hourly, changed on the server: tags"]
        assert api.writes == [f"PATCH /deployments/{flow['id']}"]

        # A change of the files: another schedule, and a deployment that only now can be read.
        text = FILE.replace("0 * * * *", "30 * * * *").replace("absent.py", "f.py")
        (one.root / "deployments/d.yaml").write_text(text)
        said.clear()
        third = deployer.run_pass()
        assert said == [
            "changed deployment flow of one/hourly: schedules",
            "created deployment flow of one/broken",
        ]
        assert third.problems == (no_project, in_two)
        api.writes.clear()
        assert deployer.run_pass().deployments == third.deployments
        assert api.writes == []


def test_parameters_that_the_flow_does_not_take_cost_their_deployment(
    real_server: RealServer, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "parameters", "flow of parameters")
    text = FILE.replace("absent.py", "f.py") + "    parameters: {count: many}\n"
    (project.root / "deployments/d.yaml").write_text(text)
    with closing(real_server.connect(WatchedApi)) as api:
        deployer = reconciler(api, "parameters", [], project)
        report = deployer.run_pass()
        assert report.deployments == ("flow of parameters/hourly",)
        (problem,) = report.problems
        assert problem.startswith(
            f"{project.root}/deployments/d.yaml:7: parameter 'count' is wrong"
        )
        assert problem.endswith("'many' is not of type 'integer'")
        (project.root / "deployments/d.yaml").write_text(text.replace("many", "3"))
        assert deployer.run_pass().problems == ()


def test_what_vanishes_goes_and_most_of_it_only_when_told_to(
    real_server: RealServer, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "vanishing", "vanishing flow")
    file = project.root / "deployments/d.yaml"
    entry = "  - {{name: n{number}, entrypoint: 'flows/f.py:f'}}\n"
    lines = [entry.format(number=number) for number in range(3)]
    said: list[str] = []
    with closing(real_server.connect(WatchedApi)) as api:
        deployer = reconciler(api, "vanishing", said, project)
        file.write_text("deployments:\n" + "".join(lines) + "variables: [{name: v, value: 1}]\n")
        assert deployer.run_pass().problems == ()
        said.clear()

        # Somebody is in the middle of writing: nothing goes.
        file.write_text("deployments:\n" + lines[0] + "  - name: [\n")
        (problem,) = deployer.run_pass().problems
        assert "d.yaml:4: this is not YAML" in problem
        assert said == []

        # Elsewhere, and otherwise as before: the same deployments, with their history.
        before = api.get("/deployments/name/vanishing%20flow/n0")["id"]
        file.rename(project.root / "deployments/other.yaml")
        file = project.root / "deployments/other.yaml"
        file.write_text(
            "deployments:\n" + "".join(lines[:2]) + "variables: [{name: v, value: 1}]\n"
        )
        assert deployer.run_pass().problems == ()
        assert said == ["removed deployment vanishing flow/n2, which is declared no more"]
        assert api.get("/deployments/name/vanishing%20flow/n0")["id"] == before

        said.clear()
        file.write_text("deployments:\n" + lines[0])
        (problem,) = deployer.run_pass().problems
        assert "2 of the 3 objects that the deployer has made are not declared any more" in problem
        assert said == []
        assert deployer.run_pass(allow_mass_delete=True).problems == ()
        assert said == [
            "removed deployment vanishing flow/n1, which is declared no more",
            "removed variable v, which is declared no more",
        ]
        api.writes.clear()
        deployer.run_pass()
        assert api.writes == []


def test_flows_are_inspected_and_started_in_their_project_s_environment(
    real_server: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = tmp_path / "wheels"
    house.mkdir()
    for version in ("1.0", "2.0"):
        wheels.make(house, "zoewheel", version)
    for name in ("UV_NO_CONFIG", "UV_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(house))
    project = make_project(tmp_path / "packages", "unused")
    (project.root / "flows/helper.py").write_text(
        "import zoewheel\nNAME = f'flow with {zoewheel.VERSION}'\n"
    )
    (project.root / "deployments/d.yaml").write_text(
        "work_pools: [{name: elsewhere, type: docker, base_job_template: {}}]\n"
        "deployments:\n"
        "  - {name: n, entrypoint: 'flows/f.py:f', flow_name: wheel}\n"
        "  - {name: own, entrypoint: 'flows/f.py:f', flow_name: wheel,"
        " work_pool: {job_variables: {command: mine}}}\n"
        "  - {name: image, entrypoint: 'flows/f.py:f', flow_name: wheel,"
        " work_pool: {name: elsewhere}}\n"
        "  - {name: limited, entrypoint: 'flows/f.py:f', flow_name: wheel, limits: {time: 1h}}\n"
    )
    requirements = project.root / "requirements.txt"

    def command(name: str) -> str:
        found = api.get(f"/deployments/name/wheel/{name}")["job_variables"]
        return str(found.get("command", ""))

    with closing(real_server.connect(WatchedApi)) as api:
        deployer = reconciler(api, "packages", [], project)
        deployer.environments = Environments(
            tmp_path / "environments", lambda _: None, lambda: None
        )
        (problem, *_) = deployer.run_pass().problems
        assert "ModuleNotFoundError: No module named 'zoewheel'" in problem

        requirements.write_text("zoewheel==1.0\n")
        assert deployer.run_pass().problems == ()
        first = command("n")
        assert first.startswith(f"zoe-flow-run --python {tmp_path}/environments/")
        assert (command("own"), command("image")) == ("mine", "")
        assert command("limited") == f"{first} --limits time=3600"
        api.writes.clear()
        assert deployer.run_pass().problems == ()
        assert api.writes == []

        # What cannot be had changes nothing of the deployments, and is told.
        requirements.write_text("zoewheel==3.0\n")
        (problem,) = deployer.run_pass().problems
        assert problem.startswith(f"{requirements}: uv cannot install what it asks for: ")
        assert problem.endswith("; until then the project's deployments stay as they are")
        assert api.writes == []
        assert command("n") == first

        requirements.write_text("zoewheel==2.0\n")
        deployer.warm_start = False
        assert deployer.run_pass().problems == ()
        second = command("n")
        assert second.startswith("zoe-flow-run --cold --python ")
        assert first.rpartition("/environments/")[2] != second.rpartition("/environments/")[2]
