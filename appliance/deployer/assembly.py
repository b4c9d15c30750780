"""The deployer as the settings want it, put together for the program and for `zoe deploy`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.api import Api
from appliance.deployer.descriptions import Descriptions
from appliance.deployer.environments.environments import Environments
from appliance.deployer.git import access
from appliance.deployer.git.repository import Repository
from appliance.deployer.git.source import GitSource
from appliance.deployer.objects.every import kinds
from appliance.deployer.ownership import Store, slug
from appliance.deployer.reconcile import Reconciler
from appliance.deployer.source import DirectorySource, Source
from appliance.layout import Layout, Runtime
from appliance.settings import Component, Settings, git_address

APPLIANCE = "appliance"


def assemble(
    settings: Settings,
    api: Api,
    runtime: Runtime,
    say: Callable[[str], None],
    beat: Callable[[], None],
    *,
    fetches_at_once: bool = True,
) -> Reconciler:
    """Put it together.

    Args:
        settings: Which projects, and what is made of them.
        api: The server.
        runtime: Where secrets for git may lie while we run.
        say: Told what was done.
        beat: Told that we are alive.
        fetches_at_once: Whether the first pass fetches repositories of which a commit is here.

    Raises:
        OperatorError: A file that is to be shown to repositories cannot be read.
    """

    def alive() -> None:
        # Another beat may be set later.
        reconciler.beat()

    found = sources(settings, runtime, alive, fetches_at_once=fetches_at_once)
    reconciler = Reconciler(
        api=api,
        sources=tuple(found),
        default_pool=settings.work_pool,
        kinds=kinds(settings.work_pool, warm_start=settings.warm_start),
        store=Store(api, scope(settings)),
        say=say,
        beat=beat,
        descriptions=Descriptions(runtime.flow_descriptions),
        environments=environments(settings, say, alive),
        warm_start=settings.warm_start,
    )
    return reconciler


def environments(
    settings: Settings, say: Callable[[str], None], beat: Callable[[], None]
) -> Environments | None:
    """Return what makes environments; None where runs do not start on this machine.

    Whoever deploys to another machine's server has installed there, and here, what flows import.
    """
    if settings.api_url is not None and Component.WORKER not in settings.runs_here:
        return None
    return Environments(Layout(settings.data_dir).environments, say, beat)


def scope(settings: Settings) -> str:
    """Return the name under which it is recorded what is ours.

    Where it is not set, an appliance has one for all its projects, and whoever deploys to another
    machine's server one for just these: two pipelines must not remove each other's. Directories go
    by their last part, so that a laptop and a build pipeline mean the same; so do repositories.
    """
    if settings.deploy_as:
        return settings.deploy_as
    if settings.api_url is None:
        return APPLIANCE
    return slug("-".join(map(_short_name, settings.projects)))


def _short_name(project: str) -> str:
    if not git_address.is_address(project):
        return Path(project).name
    address = git_address.parse(project)
    return " ".join(filter(None, (address.repository, address.subdirectory)))


def sources(
    settings: Settings,
    runtime: Runtime,
    beat: Callable[[], None],
    *,
    fetches_at_once: bool,
) -> Iterator[Source]:
    """Yield where projects come from; those of one repository, at one ref, are fetched together.

    Args:
        settings: Which projects, and what their repositories want to see.
        runtime: Where secrets for git may lie while we run.
        beat: Told that we are alive while git works.
        fetches_at_once: See `assemble`.

    Raises:
        OperatorError: A file that is to be shown to repositories cannot be read.
    """
    layout = Layout(settings.data_dir)
    addresses = access.addresses_of(settings)
    given = None
    if addresses:
        given = access.prepare(
            settings, addresses.values(), runtime.git, layout.projects / "known_hosts"
        )
    fetched: dict[Path, GitSource] = {}
    for project in settings.projects:
        if given is None or project not in addresses:
            yield DirectorySource(Path(project))
            continue
        address = addresses[project]
        repository = Repository.below(layout.projects, address, given, beat)
        if known := fetched.get(repository.directory):
            known.projects[address.subdirectory] = project
            continue
        source = GitSource(
            repository,
            {address.subdirectory: project},
            settings.git_interval,
            fetches_at_once=fetches_at_once,
        )
        fetched[repository.directory] = source
        yield source
