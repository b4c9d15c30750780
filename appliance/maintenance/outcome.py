"""How a job ended the last time, on disk: for `zoe health`, `zoe status` and `zoe doctor`.

Kept small in its imports: `zoe health` reads it every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from appliance.errors import ZoeError
from appliance.files import PRIVATE_DIR_MODE, make_private_dir, read_json, write_json
from appliance.layout import Layout, Runtime


@dataclass
class Outcome:
    """The end of one run of a job.

    Attributes:
        job: Which one: `backup`, `drill` or `shrink`.
        began: When, in seconds since the epoch.
        ended: When, likewise.
        ok: Whether it did what it is for.
        line: What it did, or why it could not, in one line.
        details: Whatever else is worth knowing, as JSON.
    """

    job: str
    began: float
    ended: float
    ok: bool
    line: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def read(layout: Layout, job: str) -> Outcome | None:
    """Return how a job ended the last time; None when it has not run yet."""
    return _parsed(read_json(layout.maintenance / f"{job}.json"))


def unwritten(runtime: Runtime) -> dict[str, Outcome]:
    """Return, by job, the newest outcomes that the data directory could not take yet."""
    found = read_json(runtime.unwritten_outcomes) or {}
    known = {job: outcome for job, content in found.items() if (outcome := _parsed(content))}
    return known | left(runtime)


def left(runtime: Runtime) -> dict[str, Outcome]:
    """Return, by job, those among them that their jobs themselves could not write down."""
    found = {path.stem: _parsed(read_json(path)) for path in runtime.left_outcomes.glob("*.json")}
    return {job: outcome for job, outcome in found.items() if outcome}


def forget_left(runtime: Runtime, job: str) -> None:
    """Drop what a job could not write down: there is a newer word, or somebody sees to it."""
    with suppress(OSError):
        (runtime.left_outcomes / f"{job}.json").unlink()


def latest(layout: Layout, runtime: Runtime) -> dict[str, Outcome]:
    """Return how each job ended the last time, by its name, written down or not."""
    found = {
        path.stem: read(layout, path.stem) for path in sorted(layout.maintenance.glob("*.json"))
    }
    return {job: outcome for job, outcome in found.items() if outcome} | unwritten(runtime)


def failed(layout: Layout, runtime: Runtime) -> list[Outcome]:
    """Return the jobs whose last run failed."""
    return [outcome for outcome in latest(layout, runtime).values() if not outcome.ok]


def write(layout: Layout, outcome: Outcome) -> None:
    """Put an outcome in the place of the one before."""
    make_private_dir(layout.maintenance)
    write_json(layout.maintenance / f"{outcome.job}.json", asdict(outcome))


@contextmanager
def recording(layout: Layout, job: str) -> Iterator[Outcome]:
    """Write down how the body ends; it may set `line` and `details` on the way.

    Raises:
        ZoeError, OSError: Whatever the body raised, after it was written down. Not to be able to
            write it down, on a full disk say, does not hide that: then it is told through the
            runtime directory, and `maintenance` writes it down as soon as that is possible.
    """
    outcome = Outcome(job, began=time.time(), ended=0.0, ok=False)
    try:
        yield outcome
        outcome.ok = True
    except ZoeError as error:
        outcome.line = error.line()
        raise
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        outcome.line = f"{place}{error.strerror or error}"
        raise
    except BaseException as error:
        outcome.line = f"it was interrupted: {type(error).__name__}"
        raise
    finally:
        outcome.ended = time.time()
        runtime = Runtime.from_environment()
        try:
            write(layout, outcome)
        except OSError:
            if outcome.ok:
                raise
            _leave(runtime, outcome)
        else:
            forget_left(runtime, job)


def _leave(runtime: Runtime, outcome: Outcome) -> None:
    # Where Zoe does not run there is no such directory, and nobody who would look into it.
    with suppress(OSError):
        runtime.left_outcomes.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        write_json(runtime.left_outcomes / f"{outcome.job}.json", asdict(outcome))


def _parsed(content: Any) -> Outcome | None:
    if not isinstance(content, dict) or content.keys() != Outcome.__dataclass_fields__.keys():
        return None
    return Outcome(**content)
