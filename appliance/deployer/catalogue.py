"""Read what a project declares: each deployment by itself, so that one mistake costs one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from appliance.deployer.declaration import (
    Automation,
    BlockObject,
    CatalogueFile,
    ConcurrencyLimit,
    Deployment,
    GlobalLimit,
    Schedule,
    Strict,
    TagLimit,
    Variable,
    WorkPool,
    WorkPoolObject,
    WorkQueue,
)
from appliance.deployer.limits import Limits
from appliance.deployer.place import Place
from appliance.deployer.problems import Problem
from appliance.deployer.project import Project
from appliance.deployer.yaml_lines import DuplicateKeyError, LocatedYaml, Location
from appliance.errors import WorldError
from appliance.worker.pool import POOL_TYPE

# The lists of a file, and what stands in them.
SECTIONS: Mapping[str, type[Strict]] = {
    "deployments": Deployment,
    "work_pools": WorkPoolObject,
    "concurrency_limits": GlobalLimit,
    "tag_concurrency_limits": TagLimit,
    "variables": Variable,
    "blocks": BlockObject,
    "automations": Automation,
}

# What a message suggests when a key is misspelt, by where the key stands.
MODELS_BY_KEY: Mapping[str, type[BaseModel]] = {
    "schedule": Schedule,
    "schedules": Schedule,
    "work_pool": WorkPool,
    "work_queues": WorkQueue,
    "concurrency_limit": ConcurrencyLimit,
    "limits": Limits,
}

ELSEWHERE = "limits are for processes, and the work pool '{pool}' is declared with type '{type}'"


@dataclass(frozen=True)
class Declared:
    """A deployment as one file declares it.

    Attributes:
        deployment: What it says.
        place: Where it begins.
        pull_steps: The steps in force: its own, the file's, or the project's.
    """

    deployment: Deployment
    place: Place
    pull_steps: list[dict[str, Any]]


@dataclass(frozen=True)
class Item:
    """An object that is no deployment, as one file declares it.

    Attributes:
        declared: What it says.
        place: Where it begins.
        places: Where the queues of a work pool begin.
    """

    declared: Strict
    place: Place
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """All that a project declares, and what is wrong with the rest."""

    declared: tuple[Declared, ...]
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]


def read(project: Project) -> Catalogue:
    """Read every file of a project."""
    declared: list[Declared] = []
    items: list[Item] = []
    problems: list[Problem] = []
    try:
        files = project.catalogue_files()
    except WorldError as error:
        return Catalogue((), (), (Problem(project.name, 0, error.line()),))
    for path in files:
        found = _read_file(project, path)
        declared += found.declared
        items += found.items
        problems += found.problems
    misplaced = list(_misplaced_limits(declared, items))
    problems += misplaced
    places = {(problem.file, problem.line) for problem in misplaced}
    kept = [one for one in declared if (one.place.file, one.place.line) not in places]
    return Catalogue(tuple(kept), tuple(items), tuple(problems))


def _misplaced_limits(declared: Iterable[Declared], items: Iterable[Item]) -> Iterator[Problem]:
    """Yield the deployments with limits whose work pool starts something else than processes."""
    types = {
        item.declared.name: item.declared.type
        for item in items
        if isinstance(item.declared, WorkPoolObject)
    }
    for one in declared:
        pool = one.deployment.work_pool.name or ""
        if one.deployment.limits is not None and types.get(pool, POOL_TYPE) != POOL_TYPE:
            cause = ELSEWHERE.format(pool=pool, type=types[pool])
            yield Problem(one.place.file, one.place.line, cause)


def _read_file(project: Project, path: Path) -> Catalogue:
    shown = project.shown(path)
    document = _parsed(path, shown)
    if isinstance(document, Problem):
        return Catalogue((), (), (document,))
    if document.value is None:
        return Catalogue((), (), ())
    try:
        content = CatalogueFile.model_validate(document.value)
    except ValidationError as error:
        return Catalogue((), (), tuple(_problems(error, shown, document, ())))
    declared: list[Declared] = []
    items: list[Item] = []
    problems: list[Problem] = []
    for section, model in SECTIONS.items():
        for index, raw in enumerate(getattr(content, section)):
            location: Location = (section, index)
            try:
                one = model.model_validate(raw)
            except ValidationError as error:
                problems += _problems(error, shown, document, location)
                continue
            place = Place(project.name, shown, document.line(location))
            if isinstance(one, Deployment):
                pull_steps = one.pull if one.pull is not None else content.pull
                declared.append(Declared(one, place, pull_steps or project.default_pull_steps))
                continue
            queues = len(one.work_queues) if isinstance(one, WorkPoolObject) else 0
            items.append(
                Item(
                    one,
                    place,
                    tuple(
                        replace(place, line=document.line((*location, "work_queues", queue)))
                        for queue in range(queues)
                    ),
                )
            )
    return Catalogue(tuple(declared), tuple(items), tuple(problems))


def _parsed(path: Path, shown: str) -> LocatedYaml | Problem:
    try:
        return LocatedYaml(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return Problem(shown, line, f"this is not YAML: {error.problem}")
    except DuplicateKeyError as error:
        return Problem(shown, error.line, str(error))
    except RecursionError:
        return Problem(shown, 0, "it cannot be read: an alias contains itself")
    except OSError as error:
        return Problem(shown, 0, f"it cannot be read: {error.strerror}")
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        return Problem(shown, 0, f"it cannot be read: {' '.join(str(error).split())}")


def _problems(
    error: ValidationError, shown: str, document: LocatedYaml, prefix: Location
) -> list[Problem]:
    return [
        Problem(shown, document.line((*prefix, *detail["loc"])), _cause(detail, prefix))
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
    model: type[BaseModel] = SECTIONS[str(prefix[0])] if prefix else CatalogueFile
    for parent in parents:
        model = MODELS_BY_KEY.get(parent, model)
    return [field.alias or name for name, field in model.model_fields.items()]
