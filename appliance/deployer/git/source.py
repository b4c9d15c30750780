"""A project in a git repository, as the deployer sees it: what is on offer, and what is live."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from appliance.api import Api
from appliance.deployer import needs
from appliance.deployer.git.repository import Repository
from appliance.deployer.git.state import State
from appliance.deployer.problems import Problem
from appliance.deployer.project import Project
from appliance.deployer.source import Offer
from appliance.errors import WorldError

# So that many appliances do not ask one host at the same moment.
JITTER = 0.2


@dataclass
class GitSource:
    """Projects of one repository, at one branch, tag or commit.

    Attributes:
        repository: Where its files come from.
        projects: By their directories in it: what the settings call them.
        interval: Seconds between two fetches.
        fetches_at_once: Whether to fetch the first time though a commit is here. An appliance does
            not: a host that is away would keep its workers waiting.
    """

    repository: Repository
    projects: dict[str, str]
    interval: float
    fetches_at_once: bool = True
    _due: float = 0.0
    _refusal: str = ""

    def offers(self) -> list[Offer]:
        """Fetch if it is time, and return for each project its newest commit and the live one.

        Never raises: what cannot be fetched is a problem, and what is live stays.
        """
        state = State.read(self.repository.state_file)
        is_due = time.monotonic() >= self._due
        if is_due and not self.fetches_at_once and state.head:
            self.fetches_at_once = True
        elif is_due:
            self._due = time.monotonic() + self.interval * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
            state = self._fetch(state)
        return [self._offer(state, subdirectory) for subdirectory in self.projects]

    def _fetch(self, state: State) -> State:
        try:
            head = self.repository.fetch()
            if head != state.head:
                newer = State(head, state.live, state.leaving)
                newer.write(self.repository.state_file)
                state = newer
        except (WorldError, OSError) as error:
            self._refusal = error.line() if isinstance(error, WorldError) else str(error)
            return state
        self._refusal = ""
        return state

    def _offer(self, state: State, subdirectory: str) -> Offer:
        name = self.projects[subdirectory]
        problems = (Problem(name, 0, self._refusal),) if self._refusal else ()
        return Offer(
            name=name,
            newest=self._project(state.head, subdirectory),
            live=self._project(state.live.get(subdirectory, ""), subdirectory),
            problems=problems,
        )

    def _project(self, commit: str, subdirectory: str) -> Project | None:
        checkout = self.repository.checkout(commit)
        if not commit or not checkout.is_dir():
            return None
        return Project(checkout / subdirectory, self.projects[subdirectory], commit)

    def accept(self, project: Project) -> None:
        """Take note that a project's deployments are about to start in its commit."""
        (subdirectory,) = (sub for sub, name in self.projects.items() if name == project.name)
        state = State.read(self.repository.state_file)
        if state.live.get(subdirectory) != project.commit:
            state.with_live(subdirectory, project.commit).write(self.repository.state_file)

    def tidy(self, api: Api) -> None:
        """Remove the checkouts that no run needs, once the server names them no more.

        Raises:
            WorldError: The server is away.
        """
        state = State.read(self.repository.state_file)
        unused = state.unused(self.repository.checkouts(), self.projects)
        if not unused and not state.leaving:
            return
        leaving, gone = needs.departures(
            api, {commit: self.repository.checkout(commit) for commit in unused}, state.leaving
        )
        for commit in gone:
            self.repository.remove(commit)
        if leaving != state.leaving:
            State(state.head, state.live, leaving).write(self.repository.state_file)
