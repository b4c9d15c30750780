"""`zoe deploy` from another machine than the server's: a laptop, a build pipeline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.conftest import RealServer
from tests.unit.support import free_port

FLOW = """
from prefect import flow

@flow
def greet(name: str = "you"):
    print(name)
"""
FILE = """
variables:
  - {name: from-elsewhere, value: [1, 2]}
deployments:
  - {name: greet, entrypoint: "flows/greet.py:greet"}
"""


class Laptop:
    """A machine with a project, the command, and a server elsewhere."""

    def __init__(self, root: Path, server: RealServer) -> None:
        self.project = root / "etl"
        self.url = f"http://127.0.0.1:{server.settings.port}/api"
        self.password = server.password
        self._root = root
        for name in ("flows", "deployments"):
            (self.project / name).mkdir(parents=True)
        (self.project / "flows/greet.py").write_text(FLOW)
        self.write(FILE)

    def write(self, text: str) -> None:
        (self.project / "deployments/d.yaml").write_text(text)

    def deploy(self, *words: str) -> subprocess.CompletedProcess[str]:
        (self._root / "zoe.toml").touch()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT")},
            "ZOE_CONFIG": str(self._root / "zoe.toml"),
            "ZOE_RUNTIME_DIR": str(self._root / "run"),
            "ZOE_API_URL": self.url,
            "ZOE_ADMIN_PASSWORD": self.password,
            "ZOE_PROJECTS": str(self.project),
            "ZOE_DEPLOY_AS": "laptop",
        }
        return subprocess.run(
            [sys.executable, "-m", "appliance", "deploy", *words],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def laptop(tmp_path: Path, real_server: RealServer) -> Laptop:
    return Laptop(tmp_path, real_server)


def test_plan_apply_and_then_nothing_is_left_to_do(laptop: Laptop, real_server: RealServer) -> None:
    planned = laptop.deploy("plan", "--exit-code")
    assert (planned.returncode, planned.stderr) == (3, "")
    assert planned.stdout.splitlines() == [
        "+ variable from-elsewhere",
        "+ deployment greet/greet",
        "2 to create; 0 are as declared",
    ]
    with closing(real_server.api()) as api:
        assert api.get("/variables/name/from-elsewhere") is None, "a plan has changed something"

        done = laptop.deploy("apply")
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[-3:] == [
            "created variable from-elsewhere",
            "created deployment greet/greet",
            "1 deployments are as declared",
        ]
        found = api.get("/deployments/name/greet/greet")
        assert list(found["parameter_openapi_schema"]["properties"]) == ["name"]
        assert api.get("/variables/name/from-elsewhere")["value"] == [1, 2]

    again = laptop.deploy("plan", "--exit-code", "--json")
    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads(again.stdout) == {
        "changes": [],
        "unchanged": 2,
        "held": [],
        "problems": [],
    }

    laptop.write("")
    refused = laptop.deploy("apply")
    assert refused.returncode == 2
    assert "2 of the 2 objects that the deployer has made are not declared any more" in (
        refused.stderr
    )
    removed = laptop.deploy("apply", "--allow-mass-delete")
    assert removed.returncode == 0
    assert "removed deployment greet/greet, which is declared no more" in removed.stdout


def test_what_is_wrong_is_told_by_file_and_line_and_the_rest_is_done(laptop: Laptop) -> None:
    laptop.write(
        "variables:\n  - {name: Wrong Name, value: 1}\n  - {name: right-name, value: 2026-01-01}\n"
        "  - {name: good-name, value: 1}\nconcurrency_limits:\n  - {name: x, limits: 1}\n"
    )
    planned = laptop.deploy("plan")
    assert planned.returncode == 2
    file = laptop.project / "deployments/d.yaml"
    assert planned.stdout.splitlines()[0] == "+ variable good-name"
    name, value, key, missing = sorted(planned.stderr.splitlines(), key=lambda line: line[-40:])[:4]
    said = "\n".join((name, value, key, missing))
    assert f"zoe: {file}:2: 'name' is wrong: " in said
    assert f"zoe: {file}:3: 'value' is not of JSON's types; put a date in quotes" in said
    assert f"zoe: {file}:6: unknown key 'limits'; did you mean 'limit'?" in said
    assert f"zoe: {file}:6: 'limit' is missing" in said
    done = laptop.deploy("apply")
    assert done.returncode == 2
    assert "created variable good-name\n" in done.stdout


def test_a_wrong_password_is_a_line(laptop: Laptop) -> None:
    laptop.password = "not that"
    done = laptop.deploy("apply")
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not accept this user and password" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_that_is_away_is_a_line(laptop: Laptop) -> None:
    laptop.url = f"http://127.0.0.1:{free_port()}/api"
    done = laptop.deploy("plan")
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not answer" in done.stderr
    assert done.stderr.count("\n") == 1
