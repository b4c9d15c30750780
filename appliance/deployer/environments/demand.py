"""Which packages a project asks for, as its files say it; nothing is run, and nobody is asked."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

LOCK = "uv.lock"
REQUIREMENTS = "requirements.txt"
PYPROJECT = "pyproject.toml"

# Options that read another such file. (pip's manual, "Requirements File Format")
_INCLUDING = re.compile(r"(?:-r|-c|--requirements?|--constraints?)(?:\s+|=|(?<=-[rc]))(\S+)")
_EDITABLE = re.compile(r"(?:-e\b|--editable\b)")
_FIND_LINKS = re.compile(r"(?:-f|--find-links)(?:\s+|=)(?!\w+://)")
_LOCAL = re.compile(r"(?:[./~]|file:|\S+\s*@\s*file:)")
NOT_LOCAL = (
    "packages from directories are not installed: what runs import of the project itself they "
    "find in its files; for anything else make a wheel, and name its directory by --find-links"
)


class DemandError(Exception):
    """What a project asks for cannot be had.

    Attributes:
        file: The file that says so.
        line: Counted from 1; 0 where no line is to blame.
    """

    def __init__(self, file: Path, line: int, cause: str) -> None:
        super().__init__(cause)
        self.file = file
        self.line = line


@dataclass(frozen=True)
class Wanted:
    """One package that a project asks for by itself.

    Attributes:
        requirement: Which.
        file: Where it is asked for.
        line: Counted from 1; 0 where that is not known.
    """

    requirement: Requirement
    file: Path
    line: int

    @property
    def matters(self) -> bool:
        """Whether it is asked for here, by its marker."""
        marker = self.requirement.marker
        try:
            return marker is None or marker.evaluate()
        except UndefinedEnvironmentName:
            return True


@dataclass(frozen=True)
class Demand:
    """The packages that a project asks for.

    Attributes:
        file: The file that counts, of those that may say so.
        wanted: What it asks for by itself, as far as that can be read without an index.
        digest: The same where the same is asked for.
        has_more: Whether there is more that only uv can read, the address of a wheel say.
    """

    file: Path
    wanted: tuple[Wanted, ...]
    digest: str
    has_more: bool = False

    def lacks(self, own: Mapping[str, str]) -> bool:
        """Tell whether it asks for more than there is.

        Args:
            own: Versions by canonical names.

        Raises:
            DemandError: It asks for another version of something than there is.
        """
        lacks = self.has_more
        for wanted in self.wanted:
            if not wanted.matters:
                continue
            version = own.get(canonicalize_name(wanted.requirement.name))
            if version is not None and (reason := _conflict(wanted.requirement, version)):
                raise DemandError(wanted.file, wanted.line, reason)
            lacks |= version is None or bool(wanted.requirement.extras)
        return lacks


def _conflict(requirement: Requirement, version: str) -> str:
    asked = f"{requirement.name}{requirement.specifier}"
    if requirement.url:
        return (
            f"{requirement.name} from {_shown(requirement.url)} does not go with Zoe's own "
            f"{requirement.name} {version}, which all flows share; leave it out"
        )
    if not requirement.specifier.contains(version, prereleases=True):
        return (
            f"{asked} does not go with Zoe's own {requirement.name} {version}, which all flows "
            f"share; allow {version}, or leave it out"
        )
    return ""


def _shown(url: str) -> str:
    """Return a URL without what may be a secret in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def read(root: Path) -> Demand | None:
    """Return what a project asks for; None where no file asks for anything.

    Args:
        root: Its directory.

    Raises:
        DemandError: A file cannot be read, or asks for what no environment gives.
    """
    lock, requirements, pyproject = (root / name for name in (LOCK, REQUIREMENTS, PYPROJECT))
    if lock.is_file():
        if not pyproject.is_file():
            raise DemandError(lock, 0, f"there is no {PYPROJECT} beside it, which it belongs to")
        demand = _of_pyproject(pyproject)
        if demand is None:
            return None
        return Demand(lock, demand.wanted, _digest(demand.digest, _text(lock)))
    if requirements.is_file():
        return _of_requirements(requirements)
    return _of_pyproject(pyproject) if pyproject.is_file() else None


def _of_requirements(path: Path) -> Demand | None:
    content: list[str] = []
    found = list(_walk(path, content, set()))
    if not found:
        return None
    wanted = tuple(one for one in found if isinstance(one, Wanted))
    return Demand(path, wanted, _digest(*content), len(wanted) < len(found))


def _walk(path: Path, content: list[str], seen: set[Path]) -> Iterator[Wanted | str]:
    """Yield what a file asks for; what only uv can read as it stands."""
    if path in seen:
        return
    seen.add(path)
    text = _text(path)
    content.append(text)
    for line, entry in logical_lines(text):
        if including := _INCLUDING.match(entry):
            if "://" not in including[1]:
                below = _walk(path.parent / including[1], content, seen)
                # What a constraint names is not asked for by that.
                is_constraint = entry.startswith(("-c", "--c"))
                yield from (one for one in below if not is_constraint)
        elif _EDITABLE.match(entry) or _LOCAL.match(entry):
            raise DemandError(path, line, NOT_LOCAL)
        elif entry.startswith("-"):
            if _FIND_LINKS.match(entry):
                # What is in there is no other project's.
                content.append(str(path.parent))
        else:
            yield _wanted(entry, path, line) or entry


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the entries of a requirements.txt, without comments, with the lines they begin at."""
    first, entry = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        part = re.sub(r"(^|\s)#.*$", "", line)
        first = first or number
        if part.endswith("\\"):
            entry += part[:-1]
            continue
        entry += part
        if entry.strip():
            yield first, entry.strip()
        first, entry = 0, ""
    if entry.strip():
        yield first, entry.strip()


def _wanted(entry: str, path: Path, line: int) -> Wanted | None:
    try:
        return Wanted(Requirement(re.split(r"\s--", entry, maxsplit=1)[0]), path, line)
    except InvalidRequirement:
        return None


def _of_pyproject(path: Path) -> Demand | None:
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DemandError(path, 0, f"this is not TOML: {error}") from None
    project, tool = content.get("project", {}), content.get("tool", {}).get("uv", {})
    if "dependencies" in project.get("dynamic", ()):
        raise DemandError(
            path,
            _line_of("dynamic", text),
            "dependencies that are dynamic are known only to what builds the project; write them "
            f"under [project], or into {REQUIREMENTS}",
        )
    asked = project.get("dependencies", [])
    if not asked:
        return None
    wanted: list[Wanted] = []
    for entry in asked:
        line = _line_of(entry, text)
        if _LOCAL.match(str(entry)):
            raise DemandError(path, line, NOT_LOCAL)
        one = _wanted(str(entry), path, line)
        if one is None:
            raise DemandError(path, line, f"'{entry}' names no package; see PEP 508")
        _refuse_local_source(one, tool)
        wanted.append(one)
    parts = [json.dumps([asked, tool, project.get("requires-python")], sort_keys=True, default=str)]
    if "find-links" in parts[0]:
        parts.append(str(path.parent))
    return Demand(path, tuple(wanted), _digest(*parts))


def _refuse_local_source(wanted: Wanted, tool: Mapping[str, Any]) -> None:
    name = canonicalize_name(wanted.requirement.name)
    for key, sources in tool.get("sources", {}).items():
        given = sources if isinstance(sources, list) else [sources]
        if canonicalize_name(key) == name and any({"path", "workspace"} & {*one} for one in given):
            raise DemandError(wanted.file, wanted.line, NOT_LOCAL)


def _line_of(entry: str, text: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if entry in line:
            return number
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DemandError(path, 0, f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DemandError(path, 0, "it cannot be read: it is not UTF-8") from None


def _digest(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
