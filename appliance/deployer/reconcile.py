"""One pass of the deployer: read, inspect, plan, apply, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.api import Api
from appliance.deployer import apply as applying
from appliance.deployer import catalogue, inspection
from appliance.deployer.catalogue import Catalogue, Declared
from appliance.deployer.declaration import WorkPoolObject
from appliance.deployer.descriptions import Descriptions
from appliance.deployer.environments.environments import Environments
from appliance.deployer.given import GivenError
from appliance.deployer.inspection import FlowDescription, Inspected
from appliance.deployer.objects import deployments, every
from appliance.deployer.objects.kind import Desired, Kind, read_all
from appliance.deployer.ownership import Store
from appliance.deployer.plan import Action, Declarations, Holdings, Plan, plan
from appliance.deployer.problems import Problem
from appliance.deployer.project import Project
from appliance.deployer.report import Report
from appliance.deployer.source import Offer, Source
from appliance.worker import pool
from appliance.worker.warm.command import flow_run_command

MASS_DELETION = (
    "{count} of the {owned} objects that the deployer has made are not declared any more, which is "
    "more than half: nothing is removed; if that is meant: zoe deploy apply --allow-mass-delete"
)


NOT_TAKEN = "commit {newest} is not taken for what follows; commit {live} stays live"
COMMIT_LENGTH = 10


@dataclass(frozen=True)
class Planned:
    """A plan, and what keeps more from being planned.

    Attributes:
        plan: What would be done.
        problems: What could not be read, and what cannot be done.
        accepted: Of each source the projects that the plan is made for.
    """

    plan: Plan
    problems: tuple[Problem, ...]
    accepted: tuple[tuple[Source, Project], ...] = ()


@dataclass(frozen=True)
class _Reading:
    """What one project wants, and what is wrong with it."""

    project: Project
    wanted: list[Desired]
    problems: list[Problem]


@dataclass
class Reconciler:
    """Makes the server hold what the projects declare, pass after pass.

    Attributes:
        api: The server.
        sources: Where what is declared comes from.
        default_pool: The work pool of a deployment that names none.
        kinds: All kinds of object.
        store: The record of what is ours.
        say: Told what was done.
        beat: Told that we are alive.
        descriptions: What is known of flows already.
        environments: Those of the projects; None where all flows run in ours.
        warm_start: Whether flow runs are forks.
    """

    api: Api
    sources: tuple[Source, ...]
    default_pool: str
    kinds: Sequence[Kind]
    store: Store
    say: Callable[[str], None]
    beat: Callable[[], None]
    descriptions: Descriptions = field(default_factory=Descriptions)
    environments: Environments | None = None
    warm_start: bool = True
    _inspected: dict[Path, tuple[str, dict[str, Inspected]]] = field(default_factory=dict)

    def plan(self) -> Planned:
        """Compare, and change nothing.

        Raises:
            WorldError: The server is away.
        """
        wanted: list[Desired] = []
        problems: list[Problem] = []
        whole: set[str] = set()
        unread: set[str] = set()
        accepted: list[tuple[Source, Project]] = []
        newest: set[Path] = set()
        if self.environments:
            self.environments.begin()
        for source in self.sources:
            for offer in source.offers():
                reading, wrong = self._choose(offer)
                problems += wrong
                if offer.newest is not None:
                    newest.add(offer.newest.root)
                if reading is not None:
                    wanted += reading.wanted
                    accepted.append((source, reading.project))
                is_whole = reading is not None and not reading.problems
                (whole if is_whole else unread).add(offer.name)
        # What was known of earlier commits is of no use any more.
        roots = {project.root for _, project in accepted} | newest
        self._inspected = {root: one for root, one in self._inspected.items() if root in roots}
        record, others = self.store.read()
        matter = {one.kind for one in wanted} | {kind for kind, _ in record}
        actual = applying.read_actual(self.api, self.kinds, matter)
        declarations = Declarations(tuple(wanted), frozenset(whole), frozenset(unread))
        planned = plan(self.kinds, declarations, Holdings(actual, record, others))
        return Planned(planned, (*problems, *planned.problems), tuple(accepted))

    def run_pass(self, *, allow_mass_delete: bool = False) -> Report:
        """Compare and mend once.

        Args:
            allow_mass_delete: Whether more than half of what is ours may be removed.

        Raises:
            WorldError: The server is away.
        """
        planned = self.plan()
        todo, problems = planned.plan, list(planned.problems)
        if todo.removes_most and not allow_mass_delete:
            problems.append(_mass_deletion(todo))
            todo = todo.without_deletions()
        # Before that, or a server that names a directory could be ahead of what keeps it.
        for source, project in planned.accepted:
            source.accept(project)
        refused = applying.apply(todo, self.api, self.kinds, self.store, self.say)
        problems += refused
        for source in self.sources:
            source.tidy(self.api)
        if self.environments:
            self.environments.tidy(self.api)
        failed = {(problem.kind, problem.name) for problem in refused}
        as_declared = [*todo.unchanged, *(step.desired for step in todo.steps if step.desired)]
        return Report.of(
            {
                one.name
                for one in as_declared
                if one.kind == deployments.Deployments.name and (one.kind, one.name) not in failed
            },
            problems,
        )

    def _choose(self, offer: Offer) -> tuple[_Reading | None, list[Problem]]:
        """Read a project as it is now, or as it is live where the new has anything wrong with it.

        A commit is taken as a whole, or not at all; the first one is, with what is right in it.
        """
        problems = list(offer.problems)
        newest = self._read(offer.newest) if offer.newest else None
        if offer.live is None or offer.live == offer.newest:
            return newest, [*problems, *(newest.problems if newest else ())]
        if newest and not newest.problems:
            return newest, problems
        live = self._read(offer.live)
        if newest:
            commits = {
                "newest": newest.project.commit[:COMMIT_LENGTH],
                "live": offer.live.commit[:COMMIT_LENGTH],
            }
            problems += [Problem(offer.name, 0, NOT_TAKEN.format(**commits)), *newest.problems]
        return live, [*problems, *live.problems]

    def _read(self, project: Project) -> _Reading:
        # Taken before anything is read, so that what changes meanwhile is seen next time.
        fingerprint = project.fingerprint()
        found = catalogue.read(project)
        wanted: list[Desired] = []
        problems = list(found.problems)
        for item in found.items:
            try:
                wanted += every.desired(item, project.root)
            except GivenError as error:
                problems.append(Problem(item.place.file, item.place.line, str(error)))
        python = self._python_of(project, found)
        if isinstance(python, Problem):
            return _Reading(project, wanted, [*problems, python])
        described = self._describe(project, found, fingerprint, python)
        command_of = self._commands(found, python)
        for declared in found.declared:
            match described[declared.deployment.entrypoint]:
                case FlowDescription() as flow if reason := _parameter_mistake(declared, flow):
                    problems.append(_at_entrypoint(declared, reason))
                case FlowDescription() as flow:
                    command = command_of(declared)
                    wanted.append(deployments.desired(declared, flow, self.default_pool, command))
                case str(reason):
                    problems.append(_at_entrypoint(declared, reason))
        return _Reading(project, wanted, problems)

    def _python_of(self, project: Project, found: Catalogue) -> Path | Problem | None:
        """Return the interpreter of a project's environment; None for ours."""
        if self.environments is None or not found.declared:
            return None
        return self.environments.of(project)

    def _commands(self, found: Catalogue, python: Path | None) -> Callable[[Declared], str | None]:
        """Return what tells how runs of a deployment are started, if not as their pool says.

        Only in pools whose workers start processes does a path of ours mean anything.
        """
        pools = set() if python is None else self._pools_of_processes(found)

        def command_of(declared: Declared) -> str | None:
            deployment = declared.deployment
            limits = deployment.limits
            name = deployment.work_pool.name or self.default_pool
            return flow_run_command(
                python if name in pools else None,
                None if limits is None else limits.of_a_run(),
                warm_start=self.warm_start,
            )

        return command_of

    def _pools_of_processes(self, found: Catalogue) -> set[str]:
        declared = [item.declared for item in found.items]
        return {
            self.default_pool,
            *(
                one.name
                for one in declared
                if isinstance(one, WorkPoolObject) and one.type == pool.POOL_TYPE
            ),
            *(
                one["name"]
                for one in read_all(self.api, "/work_pools/filter")
                if one["type"] == pool.POOL_TYPE
            ),
        }

    def _describe(
        self, project: Project, found: Catalogue, fingerprint: str, python: Path | None
    ) -> dict[str, Inspected]:
        """Inspect the project's flows, unless nothing has changed since the last time."""
        entrypoints: dict[str, list[dict[str, Any]]] = {}
        for declared in found.declared:
            given = entrypoints.setdefault(declared.deployment.entrypoint, [])
            given.append(declared.deployment.checked_parameters)
        fingerprint = f"{fingerprint} {python}"
        known, described = self._inspected.get(project.root, ("", {}))
        if known != fingerprint or not entrypoints.keys() <= described.keys():
            described = self.descriptions.complete(
                project.root,
                f"{project.flows_fingerprint()} {python}",
                entrypoints,
                lambda some: inspection.inspect(project.root, some, self.beat, python=python),
            )
            self._inspected[project.root] = (fingerprint, described)
        return described


def _parameter_mistake(declared: Declared, flow: FlowDescription) -> str:
    return flow.mistakes.get(inspection.key_of(declared.deployment.checked_parameters), "")


def _at_entrypoint(declared: Declared, reason: str) -> Problem:
    return Problem(declared.place.file, declared.place.line, reason)


def _mass_deletion(todo: Plan) -> Problem:
    count = len(todo.of(Action.DELETE))
    return Problem("ZOE_PROJECTS", 0, MASS_DELETION.format(count=count, owned=len(todo.record)))
