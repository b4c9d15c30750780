"""Environments as the real uv makes them, from wheels that the tests make."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from appliance.deployer import needs
from appliance.deployer.environments import environments as module
from appliance.deployer.environments import making
from appliance.deployer.environments.environments import Environments
from appliance.deployer.problems import Problem
from appliance.deployer.project import Project
from tests.support import wheels
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer

COMPLETED = {"state": {"type": "COMPLETED"}, "force": True}


class Asked(Environments):
    """Environments, with all that was said."""

    def __init__(self, directory: Path) -> None:
        self.said: list[str] = []
        super().__init__(directory, self.said.append, lambda: None)

    def python(self, project: Project) -> Path:
        found = self.of(project)
        assert isinstance(found, Path), found
        return found

    def problem(self, project: Project) -> str:
        found = self.of(project)
        assert isinstance(found, Problem), found
        return str(found)


@pytest.fixture
def asked(tmp_path: Path, wheelhouse: Path) -> Asked:
    del wheelhouse
    return Asked(tmp_path / "data" / "environments")


def project(tmp_path: Path, name: str = "project", **files: str) -> Project:
    root = tmp_path / name
    root.mkdir(exist_ok=True)
    for file, text in files.items():
        (root / file.replace("_", ".")).write_text(text, encoding="utf-8")
    return Project(root)


def run(python: Path, code: str) -> str:
    return subprocess.run(
        [python, "-P", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def there(asked: Asked) -> list[str]:
    return sorted(path.name for path in asked.directory.iterdir())


def test_environment_has_what_lacks_beside_zoe_s_own(tmp_path: Path, asked: Asked) -> None:
    python = asked.python(project(tmp_path, requirements_txt="zoetester\nprefect\n"))
    code = "import zoetester, zoeother, prefect, appliance, sys"
    assert run(python, f"{code}; print(zoetester.VERSION, zoeother.VERSION)") == "1.0 2.0"
    # Zoe's own are shared, not copied, and found by whoever asks for what is installed.
    here = run(Path(sys.executable), "import prefect; print(prefect.__file__)")
    assert run(python, f"{code}; print(prefect.__file__)") == here
    assert (
        run(
            python,
            "import importlib.metadata as m; print(m.version('prefect'), m.version('zoeother'))",
        )
        == f"{run(Path(sys.executable), 'import prefect; print(prefect.__version__)')} 2.0"
    )
    assert run(python, "import sys; print(sys.prefix)") == str(python.parent.parent)
    assert not list(python.parent.parent.glob("lib/*/site-packages/prefect*"))
    # A program knows where it has been put in the end.
    says = subprocess.run([python.parent / "zoe-says"], check=True, capture_output=True, text=True)
    assert says.stdout == "1.0\n"
    # Compiled, and closed.
    assert list(python.parent.parent.glob("lib/*/site-packages/zoetester/__pycache__/*.pyc"))
    assert (python.parent.parent / "lib").stat().st_mode & 0o222 == 0
    assert there(asked) == [python.parent.parent.name]
    making_it, made = asked.said
    assert making_it.endswith(
        "/project: 2 packages asked for by requirements.txt, and what they need"
    )
    assert made.startswith(f"made the environment {python.parent.parent}: 2 packages, ")


def test_equal_demands_share_one_and_others_do_not(tmp_path: Path, asked: Asked) -> None:
    one = asked.python(project(tmp_path, "one", requirements_txt="zoeother==1.0\n"))
    two = asked.python(project(tmp_path, "two", requirements_txt="zoeother==1.0\n"))
    other = asked.python(project(tmp_path, "other", requirements_txt="zoeother\n"))
    assert one == two != other
    assert (run(one, "import zoeother; print(zoeother.VERSION)"), len(asked.said)) == ("1.0", 4)
    assert Asked(asked.directory).python(project(tmp_path, "one")) == one


def test_zoe_s_own_serves_who_asks_for_nothing_else(tmp_path: Path, asked: Asked) -> None:
    assert asked.of(project(tmp_path, "one")) is None
    assert asked.of(project(tmp_path, "two", requirements_txt="prefect\n")) is None
    assert not asked.directory.exists()


def test_pyproject(tmp_path: Path, asked: Asked) -> None:
    text = "[project]\nname = 'p'\nversion = '1'\ndependencies = ['zoeother<2']\n"
    python = asked.python(project(tmp_path, pyproject_toml=text))
    assert run(python, "import zoeother; print(zoeother.VERSION)") == "1.0"


def test_lock_is_kept_to_by_version_and_digest_but_for_zoe_s_own(
    tmp_path: Path, asked: Asked, wheelhouse: Path
) -> None:
    text = (
        "[project]\nname = 'p'\nversion = '1'\nrequires-python = '>=3.11'\n"
        "dependencies = ['zoeother', 'pydantic>=2']\n"
    )
    wheel = wheelhouse / "zoeother-1.0-py3-none-any.whl"
    digest = wheels.make(wheelhouse, "zoeother", "1.0")
    lock = f"""
version = 1
requires-python = ">=3.11"

[[package]]
name = "p"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "pydantic" }}, {{ name = "zoeother" }}]

[package.metadata]
requires-dist = [{{ name = "pydantic", specifier = ">=2" }}, {{ name = "zoeother" }}]

[[package]]
name = "pydantic"
version = "2.0.1"
source = {{ registry = "https://index.example.org/simple" }}
sdist = {{ url = "https://index.example.org/pydantic-2.0.1.tar.gz", hash = "sha256:{"0" * 64}" }}

[[package]]
name = "zoeother"
version = "1.0"
source = {{ registry = "https://index.example.org/simple" }}
wheels = [{{ url = "https://index.example.org/{wheel.name}", hash = "{digest}" }}]
"""
    locked = project(tmp_path, pyproject_toml=text, uv_lock=lock)
    python = asked.python(locked)
    # Not the newest, nor the lock's version of what is Zoe's.
    assert run(python, "import zoeother; print(zoeother.VERSION)") == "1.0"
    assert run(python, "import pydantic; print(pydantic.VERSION)") != "2.0.1"
    # It may be one that nobody can write to.
    assert sorted(path.name for path in locked.root.iterdir()) == ["pyproject.toml", "uv.lock"]

    wheels.make(wheelhouse, "zoeother", "1.0", script="somebody-else-s")
    other = project(tmp_path, pyproject_toml=text + "classifiers = []\n", uv_lock=lock + "\n")
    assert "Hash mismatch" in asked.problem(other)


def test_conflict_is_told_and_makes_nothing(tmp_path: Path, asked: Asked) -> None:
    direct = project(tmp_path, requirements_txt="zoeother\nprefect==2.20\n")
    problem = asked.problem(direct)
    assert problem.startswith(f"{direct.root}/requirements.txt:2: prefect==2.20 does not go with ")
    assert problem.endswith("; until then the project's deployments stay as they are")
    # What somebody else asks for is found out by uv.
    problem = asked.problem(project(tmp_path, requirements_txt="zoebad\n"))
    assert f"{direct.root}/requirements.txt: uv cannot install what it asks for: " in problem
    assert "all versions of zoebad depend on pydantic<2" in problem
    assert there(asked) == []
    # Of a commit it is said elsewhere what stays.
    commit = Project(direct.root, "https://git.example.org/flows.git", "0" * 40)
    assert asked.problem(commit).startswith(
        "https://git.example.org/flows.git: requirements.txt: uv cannot install"
    )


def test_failure_is_not_tried_at_each_look(
    tmp_path: Path, asked: Asked, wheelhouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = project(tmp_path, requirements_txt="zoelater\n")
    first = asked.problem(one)
    wheels.make(wheelhouse, "zoelater", "1.0")
    assert asked.problem(one) == first
    assert len(asked.said) == 1
    # A change of the file is tried at once, and so is the same when its time has come.
    assert asked.python(project(tmp_path, requirements_txt="zoelater==1.0\n")).exists()
    project(tmp_path, requirements_txt="zoelater\n")
    later = time.monotonic() + module.PAUSE_SECONDS[0]
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert asked.python(one).exists()


def test_index_that_is_away_is_told(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:hidden-secret@127.0.0.1:9/simple")
    problem = asked.problem(project(tmp_path, requirements_txt="zoenowhere\n"))
    assert "127.0.0.1:9/simple" in problem
    assert "hidden-secret" not in problem
    assert "\n" not in problem


def test_what_a_killed_deployer_left_is_not_taken_for_whole(tmp_path: Path, asked: Asked) -> None:
    left = asked.directory / f"{making.UNFINISHED}abc" / "environment"
    left.mkdir(parents=True)
    (left / "file").write_text("x")
    left.chmod(0o500)
    python = asked.python(project(tmp_path, requirements_txt="zoeother\n"))
    assert there(asked) == [python.parent.parent.name]


def test_disk_that_does_not_take_it_is_told(tmp_path: Path, asked: Asked) -> None:
    asked.directory.parent.mkdir()
    asked.directory.write_text("a file")
    problem = asked.problem(project(tmp_path, requirements_txt="zoeother\n"))
    assert f"{asked.directory}: File exists" in problem


def test_environment_goes_when_neither_deployment_nor_run_needs_it(
    real_server: RealServer, tmp_path: Path, asked: Asked
) -> None:
    one = project(tmp_path, requirements_txt="zoeother==1.0\n")
    python = asked.python(one)
    with closing(real_server.api()) as api:
        for run_id in needs.at_work(api):
            api.post(f"/flow_runs/{run_id}/set_state", COMPLETED)
        deployment = runs.deployment(api)
        variables = {"job_variables": {"command": f"zoe-flow-run --python {python}"}}
        api.patch(f"/deployments/{deployment}", variables)
        asked.tidy(api)

        # It is not used by any project any more, but named by a deployment.
        asked.begin()
        asked.tidy(api)
        assert python.exists()

        # Now by none, but a run has begun in it.
        run_id = runs.flow_run(api, deployment_id=deployment)
        api.patch(f"/deployments/{deployment}", {"job_variables": {}})
        asked.tidy(api)
        assert python.exists()
        # Nor does a restart forget that.
        again = Asked(asked.directory)
        again.tidy(api)
        assert python.exists()
        api.post(f"/flow_runs/{run_id}/set_state", COMPLETED)
        again.tidy(api)
        assert not python.exists()
        assert again.said == [
            f"removed the environment {python.parent.parent}, which nothing needs any more"
        ]
        assert there(asked) == ["leaving.json"]
