from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from appliance.deployer import catalogue
from appliance.deployer.declaration import Deployment
from appliance.deployer.limits import Limits
from appliance.deployer.project import Project

MINIMAL: dict[str, Any] = {"name": "d", "entrypoint": "flow.py:f"}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"memory": "512MB"}, "memory=512000000"),
        ({"memory": "0.5 GiB"}, "memory=536870912"),
        ({"memory": "1.1GB"}, "memory=1100000000"),
        ({"cpu": "90s", "time": "1.5h"}, "cpu=90,time=5400"),
        ({"time": "15m"}, "time=900"),
        ({"time": "15 min", "nice": 0}, "nice=0,time=900"),
        ({"nice": 19, "open_files": 64, "time": "1d"}, "open_files=64,nice=19,time=86400"),
        ({}, ""),
    ],
)
def test_units_become_bytes_and_seconds(given: dict[str, Any], text: str) -> None:
    assert Limits.model_validate(given).of_a_run().text() == text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("memory: 512", "'memory' needs a number with a unit, such as 512MB or 2GiB"),
        ("memory: 512M", "'memory' needs a number with a unit, such as 512MB or 2GiB"),
        ("memory: true", "'memory' needs a number with a unit, such as 512MB or 2GiB"),
        ("memory: [1GB]", "'memory' needs a number with a unit, such as 512MB or 2GiB"),
        ("memory: 10MB", "'memory' is less than 128MB; Prefect alone takes most of that"),
        ("time: 1:30", "'time' needs a number with a unit, such as 90s, 15m or 2h"),
        ("time: -5s", "'time' needs a number with a unit, such as 90s, 15m or 2h"),
        ("time: 0s", "'time' is '0s', which is no whole number of seconds"),
        ("cpu: 0.5s", "'cpu' is '0.5s', which is no whole number of seconds"),
        ("nice: -1", "'nice' is wrong: input should be greater than or equal to 0"),
        ("nice: 20", "'nice' is wrong: input should be less than or equal to 19"),
        ("nice: true", "'nice' is wrong: input should be a valid integer"),
        ("open_files: 8", "'open_files' is wrong: input should be greater than or equal to 64"),
        ("open_files: '256'", "'open_files' is wrong: input should be a valid integer"),
        ("memroy: 1GB", "unknown key 'memroy'; did you mean 'memory'?"),
    ],
)
def test_a_mistake_is_told_by_line_and_cause(tmp_path: Path, given: str, words: str) -> None:
    text = f"deployments:\n- name: d\n  entrypoint: f.py:f\n  limits:\n    {given}\n"
    found = read(tmp_path, text)
    (problem,) = found.problems
    assert (problem.line, problem.cause) == (5, words)
    assert found.declared == ()


def read(root: Path, text: str) -> catalogue.Catalogue:
    (root / "deployments").mkdir()
    (root / "deployments" / "a.yaml").write_text(text, encoding="utf-8")
    return catalogue.read(Project(root))


@pytest.mark.parametrize(
    ("given", "text"),
    [({"memory": "1GB", "time": "2h"}, "memory=1000000000,time=7200"), ({}, "")],
)
def test_limits_as_a_run_s_launcher_takes_them(given: dict[str, str], text: str) -> None:
    deployment = Deployment.model_validate({**MINIMAL, "limits": given})
    assert deployment.limits is not None
    assert deployment.limits.of_a_run().text() == text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image": "etl:3"}, "has limits, which are for processes, and image"),
        (
            {"work_pool": {"job_variables": {"command": "python -m prefect.engine"}}},
            "has limits, and in job_variables a command of its own",
        ),
    ],
)
def test_what_limits_do_not_go_with(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Deployment.model_validate({**MINIMAL, "limits": {"nice": 1}, **more})


def test_a_pool_that_starts_containers_takes_no_limits(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "work_pools: [{name: boxes, type: docker}, {name: lab}]\ndeployments:\n"
        "- {name: a, entrypoint: 'f.py:f', work_pool: {name: boxes}, limits: {nice: 1}}\n"
        "- {name: b, entrypoint: 'f.py:f', work_pool: {name: boxes}}\n"
        "- {name: c, entrypoint: 'f.py:f', work_pool: {name: lab}, limits: {nice: 1}}\n",
    )
    (problem,) = found.problems
    assert problem.line == 3
    assert problem.cause == (
        "limits are for processes, and the work pool 'boxes' is declared with type 'docker'"
    )
    assert [one.deployment.name for one in found.declared] == ["b", "c"]
