"""A repository becomes live commit by commit: the real git, a real server."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from appliance.api import Api
from appliance.deployer import needs
from appliance.deployer.git import access
from appliance.deployer.git.repository import Repository
from appliance.deployer.git.source import GitSource
from appliance.deployer.objects.every import kinds
from appliance.deployer.ownership import Store
from appliance.deployer.reconcile import Reconciler
from appliance.settings.git_address import parse
from appliance.worker import pool
from tests.support.git_origin import Origin
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer
from tests.unit.support import make_settings

FLOW = "from prefect import flow\n\n@flow(name='of {name}')\ndef f():\n    pass\n"
FILE = "deployments:\n  - {{name: {name}, entrypoint: 'f.py:f', tags: [{tag}]}}\n"
COMPLETED = {"state": {"type": "COMPLETED"}, "force": True}


def project(name: str, tag: str = "one", below: str = "") -> dict[str, str | None]:
    """Return the files of a project with one deployment."""
    return {
        f"{below}f.py": FLOW.format(name=name),
        f"{below}deployments/d.yaml": FILE.format(name=name, tag=tag),
    }


class Deployer:
    """A deployer of one repository's projects, as it is after a start."""

    def __init__(self, api: Api, tmp_path: Path, scope: str, *projects: str) -> None:
        addresses = [parse(project) for project in projects]
        given = access.prepare(
            make_settings(), addresses, tmp_path / "private", tmp_path / "known_hosts"
        )
        self.repository = Repository.below(tmp_path / "projects", addresses[0], given, lambda: None)
        named = {one.subdirectory: name for one, name in zip(addresses, projects, strict=True)}
        self.source = GitSource(self.repository, named, interval=0.001)
        self.api = api
        pool.ensure(api, "default")
        self.reconciler = Reconciler(
            api,
            (self.source,),
            "default",
            kinds("default", warm_start=True),
            Store(api, scope),
            lambda _: None,
            lambda: None,
        )

        # Other tests leave runs on the server, which would each hold a checkout.
        for run in needs.at_work(api):
            api.post(f"/flow_runs/{run}/set_state", COMPLETED)

    def run(self) -> tuple[str, ...]:
        """Make a pass and return its problems."""
        return self.reconciler.run_pass().problems

    def tags(self, name: str) -> list[str]:
        found: dict[str, list[str]] = self.api.get(f"/deployments/name/of%20{name}/{name}")
        return found["tags"]

    def directory(self, name: str) -> Path:
        """Return where runs of a deployment start."""
        (step,) = self.api.get(f"/deployments/name/of%20{name}/{name}")["pull_steps"]
        return Path(step["prefect.deployments.steps.set_working_directory"]["directory"])


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


def test_commits_become_live_whole_or_not_at_all(
    real_server: RealServer, tmp_path: Path, origin: Origin
) -> None:
    first = origin.commit(project("live"))
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-live", origin.url)
        assert deployer.run() == ()
        assert deployer.directory("live") == deployer.repository.checkout(first)

        broken = origin.commit({**project("live", "two"), "deployments/x.yaml": "deployment: []\n"})
        not_taken, mistake = deployer.run()
        assert not_taken == (
            f"{origin.url}: commit {broken[:10]} is not taken for what follows; "
            f"commit {first[:10]} stays live"
        )
        assert mistake.startswith(f"{origin.url}: deployments/x.yaml:1: unknown key 'deployment'")
        assert deployer.tags("live") == ["one"]

        # After a restart without the network it is the same.
        origin.root.rename(tmp_path / "away")
        restarted = Deployer(api, tmp_path, "git-live", origin.url)
        away, *others = restarted.run()
        assert away == f"{origin.url}: there is no {origin.url}"
        assert others == [not_taken, mistake]
        assert restarted.tags("live") == ["one"]
        (tmp_path / "away").rename(origin.root)

        origin.git("revert", "--no-edit", broken)
        reverted = origin.git("rev-parse", "HEAD")
        assert restarted.run() == ()
        assert restarted.directory("live") == restarted.repository.checkout(reverted)
        assert restarted.repository.checkouts() == [reverted]


def test_an_appliance_starts_without_waiting_for_the_host(
    real_server: RealServer, tmp_path: Path, origin: Origin
) -> None:
    first = origin.commit(project("patient"))
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-patient", origin.url)
        deployer.source.fetches_at_once = False
        # There is nothing yet to start without.
        assert deployer.run() == ()
        origin.commit(project("patient", "two"))
        restarted = Deployer(api, tmp_path, "git-patient", origin.url)
        restarted.source.fetches_at_once = False
        restarted.run()
        assert restarted.directory("patient") == restarted.repository.checkout(first)
        restarted.run()
        assert restarted.tags("patient") == ["two"]


def test_a_checkout_stays_while_a_run_needs_it(
    real_server: RealServer, tmp_path: Path, origin: Origin
) -> None:
    first = origin.commit(project("needed"))
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-needed", origin.url)
        deployer.run()
        running = runs.flow_run(api)
        waiting = runs.flow_run(api)
        retry = {"type": "SCHEDULED", "name": "AwaitingRetry"}
        api.post(f"/flow_runs/{waiting}/set_state", {"state": retry, "force": True})
        second = origin.commit(project("needed", "two"))
        assert deployer.run() == ()
        assert deployer.directory("needed") == deployer.repository.checkout(second)
        assert deployer.repository.checkouts() == sorted([first, second])
        for run in (running, waiting):
            # One that begins now is of the newer commit.
            runs.flow_run(api)
            deployer.run()
            assert deployer.repository.checkouts() == sorted([first, second])
            api.post(f"/flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
        deployer.run()
        assert deployer.repository.checkouts() == [second]


def test_a_checkout_stays_while_a_deployment_starts_in_it(
    real_server: RealServer, tmp_path: Path, origin: Origin
) -> None:
    first = origin.commit(project("named"))
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-named", origin.url)
        deployer.run()
        # A removal of all that is ours stops and asks, so the deployment stays as it is.
        origin.commit({"deployments/d.yaml": "deployments: []\n"})
        (held,) = deployer.run()
        assert "--allow-mass-delete" in held
        assert first in deployer.repository.checkouts()
        assert deployer.directory("named").is_dir()
        deployer.reconciler.run_pass(allow_mass_delete=True)
        deployer.run()
        assert first not in deployer.repository.checkouts()


def test_two_projects_of_one_repository_go_each_their_way(
    real_server: RealServer, tmp_path: Path, origin: Origin
) -> None:
    first = origin.commit({**project("left", below="left/"), **project("right", below="right/")})
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-two", f"{origin.url}#left", f"{origin.url}#right")
        assert deployer.run() == ()
        broken = {**project("right", "two", "right/"), "right/f.py": "raise SystemExit\n"}
        second = origin.commit({**project("left", "two", "left/"), **broken})
        not_taken, mistake = deployer.run()
        assert not_taken.startswith(f"{origin.url}#right: commit {second[:10]} is not taken")
        assert "#right: deployments/d.yaml:2: f.py cannot be loaded" in mistake
        assert (deployer.tags("left"), deployer.tags("right")) == (["two"], ["one"])
        assert deployer.directory("right") == deployer.repository.checkout(first) / "right"
        assert deployer.directory("left") == deployer.repository.checkout(second) / "left"


def test_a_plan_moves_nothing(real_server: RealServer, tmp_path: Path, origin: Origin) -> None:
    origin.commit(project("plan"))
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-plan", origin.url)
        deployer.run()
        origin.commit(project("plan", "two"))
        planned = deployer.reconciler.plan()
        assert [step.name for step in planned.plan.steps] == ["of plan/plan"]
        origin.root.rename(tmp_path / "away")
        origin_again = Deployer(api, tmp_path, "git-plan", origin.url)
        assert origin_again.tags("plan") == ["one"]


def test_a_directory_that_is_not_in_the_repository(
    real_server: RealServer, tmp_path: Path, origin: Origin
) -> None:
    origin.commit({"readme": "x"})
    with closing(real_server.api()) as api:
        deployer = Deployer(api, tmp_path, "git-absent", f"{origin.url}#absent")
        (problem,) = deployer.run()
        assert problem.startswith(f"{origin.url}#absent: ")
        assert "is not a directory" in problem
