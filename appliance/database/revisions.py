"""Which database schemas the installed Prefect knows, and where a database stands among them.

Prefect's migrations are alembic's: a chain of files, each with a `revision` and the
`down_revision` it follows. A database keeps the revision it is at in its table `alembic_version`.
The files are read as text; importing Prefect's server to ask it would take seconds.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import metadata
from pathlib import Path

from appliance.errors import WorldError
from appliance.settings import DatabaseEngine

# Below the package `prefect`, by dialect. (Read in Prefect 3.8.8, `orm_models.versions_dir`.)
VERSIONS = Path("server", "database", "_migrations", "versions")
REVISION = re.compile(r"""^(down_)?revision\s*(?::[^=]+)?=\s*["'](\w+)["']""", re.MULTILINE)


class Standing(Enum):
    """How a database's schema relates to the installed Prefect."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Known:
    """The revisions that the installed Prefect can migrate from and to.

    Attributes:
        head: The one that it wants.
        all: Every one, the head among them.
    """

    head: str
    all: frozenset[str]


def standing(found: Collection[str], known: Known) -> Standing:
    """Judge the revisions that a database says it is at; more than one is never Prefect's doing."""
    if not found:
        return Standing.EMPTY
    if not known.all.issuperset(found):
        return Standing.UNKNOWN
    return Standing.CURRENT if set(found) == {known.head} else Standing.OLDER


def prefect_version() -> str:
    """Return the version of the installed Prefect."""
    return metadata.version("prefect")


def known(engine: DatabaseEngine) -> Known:
    """Return what the installed Prefect knows for an engine.

    Raises:
        WorldError: Prefect keeps its migrations elsewhere or in another form.
    """
    return _read("sqlite" if engine is DatabaseEngine.SQLITE else "postgresql")


@cache
def _read(dialect: str) -> Known:
    package = importlib.util.find_spec("prefect")
    roots = list(package.submodule_search_locations or ()) if package else []
    return parse(
        path.read_text(encoding="utf-8")
        for root in roots
        for path in (Path(root) / VERSIONS / dialect).glob("*.py")
    )


def parse(sources: Iterable[str]) -> Known:
    """Return the chain that the migrations' sources make.

    Raises:
        WorldError: They make none, or one with several ends.
    """
    revisions: set[str] = set()
    followed: set[str] = set()
    for source in sources:
        for down, name in REVISION.findall(source):
            (followed if down else revisions).add(name)
    heads = revisions - followed
    if len(heads) != 1:
        raise WorldError(
            f"the installed Prefect {prefect_version()} has {len(heads)} newest migrations, not 1",
            remedy="install the Prefect that this Zoe was made for",
        )
    return Known(heads.pop(), frozenset(revisions))
