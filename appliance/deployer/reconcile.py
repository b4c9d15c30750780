"""One pass of the deployer: read, inspect, plan, apply, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.api import Api
from appliance.deployer import apply as applying
from appliance.deployer import catalogue, inspection
from appliance.deployer.catalogue import Catalogue, Declared
from appliance.deployer.desired import Desired, desired
from appliance.deployer.inspection import FlowDescription, Inspected
from appliance.deployer.plan import plan
from appliance.deployer.problems import Problem
from appliance.deployer.report import Report
from appliance.deployer.sources import Project


@dataclass
class Reconciler:
    """Makes the server hold what the projects declare, pass after pass.

    Attributes:
        api: The server.
        projects: What is declared.
        default_pool: The work pool of a deployment that names none.
        say: Told what was done.
        beat: Told that we are alive.
    """

    api: Api
    projects: tuple[Project, ...]
    default_pool: str
    say: Callable[[str], None]
    beat: Callable[[], None]
    _inspected: dict[Path, tuple[str, dict[str, Inspected]]] = field(default_factory=dict)

    def run_pass(self) -> Report:
        """Compare and mend once.

        Raises:
            WorldError: The server is away.
        """
        wanted: list[Desired] = []
        problems: list[Problem] = []
        for project in self.projects:
            # Taken before anything is read, so that what changes meanwhile is seen next time.
            fingerprint = project.fingerprint()
            found = catalogue.read(project)
            problems += found.problems
            described = self._describe(project, found, fingerprint)
            for declared in found.declared:
                match described[declared.deployment.entrypoint]:
                    case FlowDescription() as flow:
                        wanted.append(desired(declared, flow, self.default_pool))
                    case str(reason):
                        problems.append(_at_entrypoint(declared, reason))
        todo = plan(wanted, applying.read_actual(self.api))
        problems += todo.problems
        refused = applying.apply(todo, self.api, self.say)
        problems += refused
        failed = {(problem.file, problem.line) for problem in refused}
        names = {one.name for one in wanted if (one.declared.file, one.declared.line) not in failed}
        return Report.of(names, problems)

    def _describe(
        self, project: Project, found: Catalogue, fingerprint: str
    ) -> dict[str, Inspected]:
        """Inspect the project's flows, unless nothing has changed since the last time."""
        entrypoints = {declared.deployment.entrypoint for declared in found.declared}
        known, described = self._inspected.get(project.root, ("", {}))
        if known != fingerprint or not entrypoints <= described.keys():
            described = inspection.inspect(project.root, entrypoints, self.beat)
            self._inspected[project.root] = (fingerprint, described)
        return described


def _at_entrypoint(declared: Declared, reason: str) -> Problem:
    return Problem(declared.file, declared.line, reason)
