"""Read what a project declares: each deployment by itself, so that one mistake costs one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from appliance.deployer.declaration import (
    CatalogueFile,
    ConcurrencyLimit,
    Deployment,
    Schedule,
    WorkPool,
)
from appliance.deployer.problems import Problem
from appliance.deployer.sources import Project
from appliance.deployer.yaml_lines import DuplicateKeyError, LocatedYaml, Location
from appliance.errors import WorldError

# What a message suggests when a key is misspelt, by where the key stands.
MODELS_BY_KEY: Mapping[str, type[BaseModel]] = {
    "schedule": Schedule,
    "schedules": Schedule,
    "work_pool": WorkPool,
    "concurrency_limit": ConcurrencyLimit,
}


@dataclass(frozen=True)
class Declared:
    """A deployment as one file declares it.

    Attributes:
        project: The project it belongs to.
        file: The file.
        line: Where it begins.
        deployment: What it says.
        pull_steps: The steps in force: its own, the file's, or the project's.
    """

    project: Project
    file: Path
    line: int
    deployment: Deployment
    pull_steps: list[dict[str, Any]]


@dataclass(frozen=True)
class Catalogue:
    """All that a project declares, and what is wrong with the rest."""

    declared: tuple[Declared, ...]
    problems: tuple[Problem, ...]


def read(project: Project) -> Catalogue:
    """Read every file of a project."""
    declared: list[Declared] = []
    problems: list[Problem] = []
    try:
        files = project.catalogue_files()
    except WorldError as error:
        return Catalogue((), (Problem(project.root, 0, error.line()),))
    for path in files:
        found, wrong = _read_file(project, path)
        declared += found
        problems += wrong
    return Catalogue(tuple(declared), tuple(problems))


def _read_file(project: Project, path: Path) -> tuple[list[Declared], list[Problem]]:
    document = _parsed(path)
    if isinstance(document, Problem):
        return [], [document]
    if document.value is None:
        return [], []
    try:
        content = CatalogueFile.model_validate(document.value)
    except ValidationError as error:
        return [], _problems(error, path, document, ())
    declared: list[Declared] = []
    problems: list[Problem] = []
    for index, entry in enumerate(content.deployments):
        location: Location = ("deployments", index)
        try:
            deployment = Deployment.model_validate(entry)
        except ValidationError as error:
            problems += _problems(error, path, document, location)
            continue
        pull_steps = deployment.pull if deployment.pull is not None else content.pull
        declared.append(
            Declared(
                project=project,
                file=path,
                line=document.line(location),
                deployment=deployment,
                pull_steps=pull_steps or project.default_pull_steps,
            )
        )
    return declared, problems


def _parsed(path: Path) -> LocatedYaml | Problem:
    try:
        return LocatedYaml(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return Problem(path, line, f"this is not YAML: {error.problem}")
    except DuplicateKeyError as error:
        return Problem(path, error.line, str(error))
    except RecursionError:
        return Problem(path, 0, "it cannot be read: an alias contains itself")
    except OSError as error:
        return Problem(path, 0, f"it cannot be read: {error.strerror}")
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        return Problem(path, 0, f"it cannot be read: {' '.join(str(error).split())}")


def _problems(
    error: ValidationError, path: Path, document: LocatedYaml, prefix: Location
) -> list[Problem]:
    return [
        Problem(path, document.line((*prefix, *detail["loc"])), _cause(detail, prefix))
        for detail in error.errors()
    ]


def _cause(detail: ErrorDetails, prefix: Location) -> str:
    """Turn one of pydantic's findings into our words."""
    names = [part for part in detail["loc"] if isinstance(part, str)]
    key = names[-1] if names else "this"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(names[:-1], prefix)
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"
        return f"unknown key '{key}'; {hint}"
    if detail["type"] == "missing":
        return f"'{key}' is missing"
    if detail["type"] in {"model_type", "dict_type"}:
        subject = f"'{key}'" if names else "this"
        return f"{subject} is not a mapping of keys to values"
    reason = detail["msg"].removeprefix("Value error, ")
    if detail["type"] != "value_error":
        return f"'{key}' is wrong: {reason[0].lower()}{reason[1:]}"
    return f"'{key}' {reason}" if names else reason


def _known_keys(parents: Iterable[str], prefix: Location) -> list[str]:
    model: type[BaseModel] = Deployment if prefix else CatalogueFile
    for parent in parents:
        model = MODELS_BY_KEY.get(parent, model)
    return [field.alias or name for name, field in model.model_fields.items()]
