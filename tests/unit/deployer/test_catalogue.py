"""Whole files: what is right is taken, what is wrong is told by file, line and cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.deployer import catalogue
from appliance.deployer.project import Project
from tests.unit.support import unprivileged

GOOD = "deployments:\n  - {name: good, entrypoint: 'flows/f.py:f'}\n"


class Declaration:
    """A project that is made of its deployment files alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / "deployments"
        self.directory.mkdir(parents=True)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def read(self) -> catalogue.Catalogue:
        return catalogue.read(Project(self.root))

    def problems(self) -> list[str]:
        """The problems, with the directory left out."""
        return [str(problem).removeprefix(f"{self.directory}/") for problem in self.read().problems]


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    return Declaration(tmp_path / "project")


def names(found: catalogue.Catalogue) -> list[str]:
    return [declared.deployment.name for declared in found.declared]


def test_files_in_stable_order_and_lines(declaration: Declaration) -> None:
    declaration.write("b.yaml", GOOD.replace("good", "second"))
    declaration.write("a.yml", "# first\n" + GOOD.replace("good", "first"))
    declaration.write("notes.txt", "not: [yaml")
    declaration.write("empty.yaml", "# nothing yet\n")
    found = declaration.read()
    assert found.problems == ()
    assert [(d.deployment.name, Path(d.place.file).name, d.place.line) for d in found.declared] == [
        ("first", "a.yml", 3),
        ("second", "b.yaml", 2),
    ]


def test_pull_steps_of_deployment_file_or_project(declaration: Declaration) -> None:
    declaration.write(
        "a.yaml",
        "pull:\n  - of.the.file: {}\ndeployments:\n"
        "  - {name: own, entrypoint: 'f.py:f', pull: [{its.own: {}}]}\n"
        "  - {name: files, entrypoint: 'f.py:f'}\n",
    )
    declaration.write("b.yaml", GOOD)
    own, files, projects = (declared.pull_steps for declared in declaration.read().declared)
    assert own == [{"its.own": {}}]
    assert files == [{"of.the.file": {}}]
    assert projects == [
        {"prefect.deployments.steps.set_working_directory": {"directory": str(declaration.root)}}
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("deployments: [\n", "bad.yaml:2: this is not YAML"),
        ("a: 1\na: 2\n", "bad.yaml:2: the key 'a' stands twice in one mapping"),
        ("deployments:\n  - name: {{ x }}\n", "bad.yaml:2: this is not YAML: a key is no plain"),
        ("deployment: []\n", "bad.yaml:1: unknown key 'deployment'; did you mean 'deployments'?"),
        ("- name: x\n", "bad.yaml:1: this is not a mapping of keys to values"),
        ("just words\n", "bad.yaml:1: this is not a mapping of keys to values"),
        ("deployments: x\n", "bad.yaml:1: 'deployments' is wrong: input should be a valid list"),
        (b"\xff\xfe", "bad.yaml: it cannot be read: 'utf-8' codec"),
        (b"a: \x00", "bad.yaml: it cannot be read"),
        ("a: &a [*a]\n", "bad.yaml: it cannot be read: an alias contains itself"),
    ],
)
def test_bad_file_costs_only_itself(
    declaration: Declaration, content: str | bytes, problem: str
) -> None:
    declaration.write("bad.yaml", content)
    declaration.write("good.yaml", GOOD)
    assert names(declaration.read()) == ["good"]
    (found,) = declaration.problems()
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("entry", "line", "cause"),
    [
        ("{name: bad}", 3, "'entrypoint' is missing"),
        ("words", 3, "this is not a mapping of keys to values"),
        ("{name: bad, entrypoint: 'f.py'}", 3, "'entrypoint' 'f.py' is not of the form"),
        (
            "name: bad\n    entrypoint: f.py:f\n    schedul:\n      cron: x",
            5,
            "unknown key 'schedul'; did you mean 'schedule'?",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    zzz: 1",
            5,
            "unknown key 'zzz'; known are build, concurrency_limit,",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    schedules:\n      - cron: '61 * * * *'",
            6,
            "'cron' '61 * * * *' is not a cron expression",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    schedule:\n      interval: 5\n      timezom: U",
            7,
            "unknown key 'timezom'; did you mean 'timezone'?",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    work_pool:\n      nme: x",
            6,
            "unknown key 'nme'; did you mean 'name'?",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    work_pool: default",
            5,
            "'work_pool' is not a mapping of keys to values",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    concurrency_limit: {limit: 0}",
            5,
            "'limit' is wrong: input should be greater than 0",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    concurrency_limit: [1]",
            5,
            "'concurrency_limit' is not a mapping of keys to values",
        ),
        (
            "name: bad\n    entrypoint: f.py:f\n    schedule: {interval: 1}\n    schedules: []",
            3,
            "has both schedule and schedules; keep schedules",
        ),
    ],
)
def test_bad_entry_costs_only_itself(
    declaration: Declaration, entry: str, line: int, cause: str
) -> None:
    declaration.write("a.yaml", f"{GOOD}  - {entry}\n  - {{name: after, entrypoint: 'f.py:f'}}\n")
    assert names(declaration.read()) == ["good", "after"]
    (found,) = declaration.problems()
    assert found.startswith(f"a.yaml:{line}: {cause}")


def test_project_that_is_not_there(tmp_path: Path) -> None:
    found = catalogue.read(Project(tmp_path / "absent"))
    assert found.declared == ()
    (problem,) = found.problems
    assert "is not a directory" in problem.cause
    assert "ZOE_PROJECTS" in problem.cause


def test_what_may_not_be_read_is_told(public_dir: Path) -> None:
    declaration = Declaration(public_dir / "project")
    declaration.write("closed.yaml", GOOD).chmod(0)
    declaration.write("open.yaml", GOOD).chmod(0o644)
    for directory in (declaration.root, declaration.directory):
        directory.chmod(0o755)
    assert unprivileged(declaration.problems) == [
        "closed.yaml: it cannot be read: Permission denied"
    ]
    declaration.root.chmod(0)
    try:
        (problem,) = unprivileged(declaration.problems)
    finally:
        declaration.root.chmod(0o755)
    assert "is not a directory that uid" in problem
