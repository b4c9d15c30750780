"""Load flows and describe them: the program that runs in a process of its own.

It reads a JSON object from standard input, by entrypoints relative to the current directory the
lists of parameters that deployments give to them, and writes one JSON line each to the descriptor
named by its argument. Prefect is imported once; every flow is loaded in a fork, some at a time, so
that a module which exits, prints, hangs or breaks Python hurts nobody but itself. A second argument
says how many seconds each of them may take.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import json
import os
import select
import signal
import sys
import sysconfig
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from appliance.importing import uncollected

SECONDS_PER_FLOW = 20.0
# So many are loaded at the same time, or one for each core.
AT_LEAST = 2
# The names of the directories that hold Python's own modules and those that were installed.
INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib")


def main() -> int:
    """Describe every entrypoint; return the exit code."""
    answers = os.fdopen(int(sys.argv[1]), "w")
    os.set_inheritable(answers.fileno(), False)
    patience = float(sys.argv[2])
    wanted: dict[str, list[dict[str, Any]]] = json.load(sys.stdin)
    # Imported before the forks, which then share it.
    with uncollected():
        import prefect.flows  # noqa: PLC0415
        import prefect.main  # noqa: PLC0415 - what `from prefect import flow` leads to
        import prefect.utilities.callables  # noqa: PLC0415
        import prefect.utilities.schema_tools.validation  # noqa: F401, PLC0415

    for entrypoint, answer in _answers(wanted, answers.fileno(), patience):
        answers.write(json.dumps({"entrypoint": entrypoint, **answer}) + "\n")
        answers.flush()
    return 0


@dataclass
class _Fork:
    """One flow that is being loaded."""

    entrypoint: str
    pid: int
    until: float
    data: bytes = b""

    def end(self, descriptor: int) -> None:
        """Leave nothing of it running."""
        os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _answers(
    wanted: dict[str, list[dict[str, Any]]], answers: int, patience: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each flow says, or why it says nothing; some are loaded at the same time."""
    waiting = deque(wanted.items())
    forks: dict[int, _Fork] = {}
    at_once = max(AT_LEAST, len(os.sched_getaffinity(0)))
    try:
        while waiting or forks:
            while waiting and len(forks) < at_once:
                entrypoint, given = waiting.popleft()
                descriptor, pid = _fork(entrypoint, given, [answers, *forks])
                forks[descriptor] = _Fork(entrypoint, pid, time.monotonic() + patience)
            left = min(one.until for one in forks.values()) - time.monotonic()
            readable, _, _ = select.select([*forks], [], [], max(left, 0.0))
            for descriptor, one in list(forks.items()):
                answer = _answer_of(one, descriptor if descriptor in readable else None, patience)
                if answer is not None:
                    forks.pop(descriptor).end(descriptor)
                    yield one.entrypoint, answer
    finally:
        for descriptor, one in forks.items():
            one.end(descriptor)


def _fork(entrypoint: str, given: list[dict[str, Any]], foreign: list[int]) -> tuple[int, int]:
    """Start to load a flow; return where its answer comes, and its process."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        # What the module starts may outlive us and must not hold these open.
        for descriptor in (*foreign, read_end):
            os.close(descriptor)
        _child(entrypoint, given, write_end)
    os.close(write_end)
    # By whichever of us comes first; with it goes all that the module starts.
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    return read_end, pid


def _answer_of(one: _Fork, readable: int | None, patience: float) -> dict[str, Any] | None:
    """Return what a fork has written, a line; None while it may still write."""
    if readable is not None:
        chunk = os.read(readable, 65_536)
        one.data += chunk
        if one.data.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(one.data)
            return answer
        if not chunk:
            return {"error": "the process ended while it was loaded"}
    if time.monotonic() >= one.until:
        return {"error": f"it did not load within {patience:g} s"}
    return None


def _child(entrypoint: str, given: list[dict[str, Any]], descriptor: int) -> None:
    """Describe one flow and end this process, whatever happens."""
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        data = json.dumps(_describe(entrypoint, given)).encode() + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os._exit(0)


def _describe(entrypoint: str, given: list[dict[str, Any]]) -> dict[str, Any]:
    from prefect.exceptions import MissingFlowError  # noqa: PLC0415 - only in the fork
    from prefect.flows import Flow, load_flow_from_entrypoint  # noqa: PLC0415 - only in the fork
    from prefect.utilities.callables import parameter_schema  # noqa: PLC0415 - only in the fork

    path, _, function = entrypoint.rpartition(":")
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib would say the same
        return {"error": f"there is no file {path}"}
    try:
        before = set(sys.modules)
        flow: Flow[..., Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        schema = parameter_schema(flow).model_dump(mode="json")
        description = {
            "flow_name": flow.name,
            "version": flow.version,
            "description": flow.description,
            "parameter_schema": schema,
            "mistakes": [_mistake(flow, schema, parameters) for parameters in given],
            "sources": _sources(path, sys.modules.keys() - before),
        }
        # A version or a default of another type than JSON knows is the module's fault as well.
        json.dumps(description)
    except MissingFlowError:
        return {"error": f"{path} has no flow named {function}"}
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's module raises
        cause = error.__cause__ or error
        return {"error": f"{path} cannot be loaded: {type(cause).__name__}: {cause}"}
    return description


def _sources(path: str, modules: Iterable[str]) -> list[str]:
    """Return the files of a flow and of the modules loaded for it, and where those are looked for.

    What is installed is known by its directory, which has other entries after an upgrade.
    """
    files = [path, *(getattr(sys.modules[name], "__file__", None) for name in modules)]
    loaded = {os.path.abspath(one) for one in files if isinstance(one, str)}  # noqa: PTH100
    installed = tuple(f"{sysconfig.get_path(name)}/" for name in INSTALLED)
    searched = {os.path.abspath(one) for one in sys.path}  # noqa: PTH100
    found = {one for one in loaded if not one.startswith(installed)} | searched
    return sorted(one for one in found if os.path.exists(one))  # noqa: PTH110 - as is_file above


def _mistake(flow: Any, schema: dict[str, Any], parameters: dict[str, Any]) -> str:
    """Return what is wrong with parameters; nothing where nothing is.

    A value is judged by what Prefect's server judges it by. That a flow knows no such name is
    found out by Prefect when the flow begins. (3.8.8)
    """
    from prefect.utilities.schema_tools.validation import validate  # noqa: PLC0415 - in the fork

    known = inspect.signature(flow.fn).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        for name in parameters.keys() - known.keys():
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known) or 'none'}"
            return f"the flow has no parameter '{name}'; {hint}"
    for error in validate(parameters, schema, ignore_required=True):
        return f"parameter '{error.json_path.removeprefix('$.')}' is wrong: {error.message}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
