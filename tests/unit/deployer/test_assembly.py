"""Under which name it is recorded what is ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.deployer.assembly import environments, scope, sources
from appliance.deployer.git.source import GitSource
from appliance.deployer.source import DirectorySource
from appliance.layout import Runtime
from tests.unit.support import make_settings

ELSEWHERE = {"components": "deployer", "api_url": "https://prefect.example.org/api"}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "appliance"),
        ({"projects": "/a,/b"}, "appliance"),
        ({**ELSEWHERE, "projects": "/srv/etl"}, "etl"),
        ({**ELSEWHERE, "projects": "/srv/etl", "deploy_as": "pipeline"}, "pipeline"),
        ({**ELSEWHERE, "projects": "https://h/team/flows.git@main#etl/daily"}, "flows-etl-daily"),
        ({**ELSEWHERE, "projects": "git@h:team/flows.git,/srv/etl"}, "flows-etl"),
    ],
)
def test_scope(values: dict[str, Any], name: str) -> None:
    assert scope(make_settings(**values)) == name


def test_two_projects_have_two_scopes() -> None:
    scopes = {
        scope(make_settings(**ELSEWHERE, projects=str(Path("/srv") / project)))
        for project in ("etl", "reports")
    }
    assert len(scopes) == 2


@pytest.mark.parametrize(
    ("values", "made"),
    [({}, True), (ELSEWHERE, False), ({**ELSEWHERE, "components": "worker,deployer"}, True)],
)
def test_environments_are_made_where_runs_start(values: dict[str, Any], *, made: bool) -> None:
    found = environments(make_settings(**values), lambda _: None, lambda: None)
    assert (found is not None) is made


def test_projects_of_one_repository_are_fetched_together(tmp_path: Path) -> None:
    projects = ["https://h/r#a", "/srv/etl", "https://h/r#b", "https://h/r@v1#a"]
    settings = make_settings(projects=",".join(projects), data_dir=tmp_path / "data")
    found = list(sources(settings, Runtime(tmp_path), lambda: None, fetches_at_once=True))
    first, directory, tagged = found
    assert isinstance(first, GitSource)
    assert first.projects == {"a": projects[0], "b": projects[2]}
    assert isinstance(directory, DirectorySource)
    assert isinstance(tagged, GitSource)
    assert tagged.projects == {"a": projects[3]}
    assert tagged.repository.directory != first.repository.directory
