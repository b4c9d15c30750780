"""The environments of an appliance's projects: which are there, and which are needed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from appliance import trees
from appliance.api import Api
from appliance.deployer import needs
from appliance.deployer.environments import demand as demands
from appliance.deployer.environments import making, own
from appliance.deployer.environments.demand import Demand, DemandError
from appliance.deployer.problems import Problem
from appliance.deployer.project import Project
from appliance.errors import WorldError
from appliance.files import read_json, write_atomically

DIGEST_LENGTH = 16
# After a failure: an index that is away, a wheel that is not there yet. Doubled up to the last.
PAUSE_SECONDS = (60.0, 900.0)
STAYS = "; until then the project's deployments stay as they are"
# Another number for environments that are made in another way.
_FORM = 1
_DIGEST = re.compile(f"[0-9a-f]{{{DIGEST_LENGTH}}}")


@dataclass(frozen=True)
class _Failure:
    reason: str
    pause: float
    until: float


@dataclass
class Environments:
    """Makes what projects ask for, one for each set of packages, and removes what nobody needs.

    Attributes:
        directory: Where they are, ours alone.
        say: Told what is made and removed.
        beat: Called every few seconds while one is made.
    """

    directory: Path
    say: Callable[[str], None]
    beat: Callable[[], None]
    _failures: dict[str, _Failure] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Forget who uses which; each project is about to be asked."""
        self._used.clear()

    def of(self, project: Project) -> Path | Problem | None:
        """Return the interpreter of a project's environment, which is made if it has to be.

        Returns:
            None where Zoe's own packages are all that is asked for; a problem where it cannot be
            had.
        """
        here = own.installed()
        file = project.root
        try:
            demand = demands.read(project.root)
            if demand is None or not demand.lacks(here.versions):
                return None
            file = demand.file
            digest = digest_of(demand, here)
            self._used.add(digest)
            self._make_sure(self.directory / digest, demand, here, project)
        except DemandError as error:
            return _problem(project, error.file, error.line, str(error))
        except WorldError as error:
            return _problem(project, file, 0, error.line())
        return self.directory / digest / "bin" / "python"

    def _make_sure(self, target: Path, demand: Demand, here: own.Own, project: Project) -> None:
        """Make an environment unless it is there.

        Raises:
            WorldError: It cannot be made, or could not a moment ago.
        """
        if target.is_dir():
            return
        failure = self._failures.get(target.name)
        if failure and time.monotonic() < failure.until:
            raise WorldError(failure.reason)
        asked = f"{len(demand.wanted)} packages asked for by {demand.file.name}"
        self.say(f"making the environment of {project.name}: {asked}, and what they need")
        try:
            making.make(target, demand, here, self.beat, self.say)
        except WorldError as error:
            pause = min(2 * failure.pause, PAUSE_SECONDS[1]) if failure else PAUSE_SECONDS[0]
            self._failures[target.name] = _Failure(error.line(), pause, time.monotonic() + pause)
            raise
        self._failures.pop(target.name, None)

    def tidy(self, api: Api) -> None:
        """Remove what no project, no deployment and no run needs any more.

        Raises:
            WorldError: The server is away, or the disk does not take it.
        """
        leaving = {name: tuple(runs) for name, runs in (read_json(self._state) or {}).items()}
        unused = {name: self.directory / name for name in self._there() if name not in self._used}
        if not unused and not leaving:
            return
        staying, gone = needs.departures(api, unused, leaving)
        for name in gone:
            self._remove(self.directory / name)
        if staying != leaving:
            try:
                write_atomically(self._state, json.dumps(staying), durable=True)
            except OSError as error:
                raise WorldError(f"{self._state} cannot be written: {error.strerror}") from None

    @property
    def _state(self) -> Path:
        """Of those that leave, the runs that hold them."""
        return self.directory / "leaving.json"

    def _there(self) -> list[str]:
        try:
            names = [path.name for path in self.directory.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if _DIGEST.fullmatch(name))

    def _remove(self, environment: Path) -> None:
        # First its name: half of one is none.
        dying = self.directory / f"{making.UNFINISHED}{environment.name}"
        environment.rename(dying)
        trees.remove(dying)
        self.say(f"removed the environment {environment}, which nothing needs any more")


def digest_of(demand: Demand, here: own.Own) -> str:
    """Return what is the same for the same packages on the same Zoe."""
    facts = [_FORM, demand.file.name, demand.digest, *here.facts()]
    return sha256(json.dumps(facts).encode()).hexdigest()[:DIGEST_LENGTH]


def _problem(project: Project, file: Path, line: int, cause: str) -> Problem:
    shown = project.shown(file) if file.is_relative_to(project.root) else str(file)
    # Of commits it is said elsewhere which one is live.
    return Problem(shown, line, cause if project.commit else cause + STAYS)
