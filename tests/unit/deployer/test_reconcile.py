"""Passes of the deployer: real files, real flows, a real server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from appliance.api import Api
from appliance.deployer.reconcile import Reconciler
from appliance.deployer.sources import Project
from appliance.worker import pool
from tests.unit.conftest import RealServer

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


class WatchedApi(Api):
    """The API with a list of the requests that write."""

    writes: list[str]

    def post(self, path: str, body: Mapping[str, Any] | list[dict[str, Any]]) -> Any:
        if not path.endswith("/filter"):
            self.writes.append(f"POST {path}")
        return super().post(path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self.writes.append(f"PATCH {path}")
        super().patch(path, body)

    def delete(self, path: str) -> None:
        self.writes.append(f"DELETE {path}")
        super().delete(path)


def make_project(root: Path, name: str) -> Project:
    for directory in ("flows", "deployments"):
        (root / directory).mkdir(parents=True)
    (root / "flows/f.py").write_text(FLOW)
    # In both projects a module of this name, with something else in it.
    (root / "flows/helper.py").write_text(f"NAME = {name!r}\n")
    (root / "deployments/d.yaml").write_text(FILE)
    return Project(root)


def test_passes(real_server: RealServer, tmp_path: Path) -> None:
    one = make_project(tmp_path / "one", "flow of one")
    two = make_project(tmp_path / "two", "flow of two")
    absent = Project(tmp_path / "absent")
    said: list[str] = []
    with closing(real_server.connect(WatchedApi)) as api:
        api.writes = []
        pool.ensure(api, "default")
        reconciler = Reconciler(api, (one, absent, two), "default", said.append, lambda: None)

        first = reconciler.run_pass()
        assert first.deployments == ("flow of one/hourly", "flow of two/hourly")
        assert said == ["created flow of one/hourly", "created flow of two/hourly"]
        in_one, no_project, in_two = first.problems
        assert in_one == (f"{one.root}/deployments/d.yaml:7: there is no file flows/absent.py")
        assert in_two.startswith(f"{two.root}/deployments/d.yaml:7: ")
        assert no_project.startswith(f"{absent.root}: ")

        # Nothing has changed: nothing is inspected, and nothing is written.
        api.writes.clear()
        second = reconciler.run_pass()
        assert api.writes == []
        assert (second.deployments, second.problems) == (first.deployments, first.problems)

        # What somebody changes on the server comes back, without a look at the flows.
        flow = api.get("/deployments/name/flow%20of%20one/hourly")
        api.patch(f"/deployments/{flow['id']}", {"tags": ["by hand"]})
        api.writes.clear()
        said.clear()
        reconciler.run_pass()
        assert said == ["updated flow of one/hourly: tags"]
        assert api.writes == [f"PATCH /deployments/{flow['id']}"]

        # A change of the files: another schedule, and a deployment that only now can be read.
        text = FILE.replace("0 * * * *", "30 * * * *").replace("absent.py", "f.py")
        (one.root / "deployments/d.yaml").write_text(text)
        said.clear()
        third = reconciler.run_pass()
        assert said == ["created flow of one/broken", "updated flow of one/hourly: schedules"]
        assert third.problems == (no_project, in_two)
        api.writes.clear()
        assert reconciler.run_pass().deployments == third.deployments
        assert api.writes == []
