"""What a flow run imports, and how it is run: as `python -m prefect.engine` does."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from appliance import time_zones

NAME = "prefect.engine"

# Without it there is nothing to keep ready.
NEEDED = "prefect.flow_engine"
# What a cold run of a simple flow has imported by its end. (Prefect 3.8.8)
PRELOADED = (
    "anyio._backends._asyncio",
    "anyio.streams.stapled",
    "anyio.streams.tls",
    "encodings.idna",
    "packaging.requirements",
    "packaging.tags",
    "prefect._internal.installation",
    "prefect._internal.integrations",
    "prefect.bundles",
    "prefect.deployments.steps.core",
    "prefect.deployments.steps.pull",
    "prefect.deployments.steps.utility",
    "prefect.locking._filelock",
    "prefect.runner.runner",
    "prefect.runner.storage",
    "prefect.task_engine",
    "prefect.utilities.visualization",
    "pydantic.v1",
    "rich._emoji_codes",
)

T = TypeVar("T")


class ThreadsError(Exception):
    """A preloaded module has started a thread, which no fork would have."""


def preload(modules: Iterable[str], say: Callable[[str], None]) -> None:
    """Import what flow runs need, and what the operator wants them to have ready.

    Args:
        modules: The operator's; one that cannot be imported is passed over.
        say: Told of such.

    Raises:
        ImportError: There is no Prefect.
        ThreadsError: There is more than one thread afterwards.
    """
    time_zones.remember()
    importlib.import_module(NEEDED)
    # Another environment may have another Prefect, without some of these.
    for name in [*PRELOADED, *modules]:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
            say(f"{name} cannot be preloaded: {error!r}")
    complete_models()
    if threading.active_count() > 1:
        raise ThreadsError(", ".join(thread.name for thread in threading.enumerate()[1:]))
    gc.collect()
    # Not looked at by later collections, so that its pages stay shared.
    gc.freeze()


def complete_models() -> None:
    """Have pydantic build what Prefect's models put off until they are used first.

    Each flow run would do it anew for those that it uses, a fifth of its CPU time; all of them
    take 0.15 s. (Prefect 3.8.8)
    """
    if "prefect" not in sys.modules:
        return
    from pydantic import BaseModel  # noqa: PLC0415

    for model in _models_below(BaseModel):
        if model.__module__.partition(".")[0] == "prefect" and not model.__pydantic_complete__:
            # One that cannot be built yet stays as it is.
            model.model_rebuild(raise_errors=False)


def _models_below(model: type[T]) -> Iterator[type[T]]:
    for below in model.__subclasses__():
        yield below
        yield from _models_below(below)


def refresh(
    before: Mapping[str, str],
    now: Mapping[str, str],
    have_files_changed: bool = False,
) -> None:
    """Do again what a start of Prefect does once, as far as its surroundings ask for it.

    Args:
        before: The environment in which Prefect was imported.
        now: The one that counts.
        have_files_changed: Whether there are other files with settings; see `settings_files`.
    """
    if have_files_changed or _of_prefect(before, "PREFECT_") != _of_prefect(now, "PREFECT_"):
        from prefect.context import refresh_global_settings_context  # noqa: PLC0415

        refresh_global_settings_context()
        from prefect.logging.configuration import setup_logging  # noqa: PLC0415

        logging = "PREFECT_LOGGING_"
        if have_files_changed or _of_prefect(before, logging) != _of_prefect(now, logging):
            setup_logging(incremental=False)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        # Python's own generator does this by itself after a fork.
        numpy.random.seed()


def run(arguments: Iterable[str], note: Callable[[BaseException | None], None]) -> None:
    """Run Prefect's engine as the main module of this process.

    Args:
        arguments: The words after `python -m prefect.engine`.
        note: Told what it ended with, before that goes on to the interpreter.
    """
    spec = importlib.util.find_spec(NAME)
    if spec is None or spec.loader is None or spec.origin is None:
        raise ImportError(f"{NAME} cannot be found")
    code = spec.loader.get_code(NAME)  # type: ignore[attr-defined]  # runpy relies on it as well
    main = types.ModuleType("__main__")
    main.__file__ = spec.origin
    main.__cached__ = spec.cached  # type: ignore[attr-defined]  # modules have it; typeshed does not say so
    main.__loader__ = spec.loader
    main.__package__ = spec.parent
    # By it `multiprocessing` finds the main module for a new interpreter.
    main.__spec__ = spec
    sys.modules["__main__"] = main
    sys.argv = [spec.origin, *arguments]
    sys.orig_argv = [sys.executable, "-m", NAME, *arguments]
    try:
        exec(code, main.__dict__)  # noqa: S102 - Prefect's own module, as runpy runs it
    except BaseException as end:
        note(end)
        raise
    note(None)


def _of_prefect(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return Prefect's settings; names with two underscores are the engine's own."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(prefix) and not name.startswith("PREFECT__")
    }
