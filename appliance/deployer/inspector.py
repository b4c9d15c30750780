"""Load flows and describe them: the program that runs in a process of its own.

It reads a JSON list of entrypoints from standard input, relative to the current directory, and
writes one JSON line each to the descriptor named by its argument. Prefect is imported once; every
flow is loaded in a fork, so that a module which exits, prints, hangs or breaks Python hurts
nobody but itself. A second argument says how many seconds each of them may take.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from typing import Any

SECONDS_PER_FLOW = 20.0


def main() -> int:
    """Describe every entrypoint; return the exit code."""
    answers = os.fdopen(int(sys.argv[1]), "w")
    os.set_inheritable(answers.fileno(), False)
    patience = float(sys.argv[2])
    entrypoints = json.load(sys.stdin)
    # Imported before the forks, which then share it.
    import prefect.flows  # noqa: PLC0415
    import prefect.utilities.callables  # noqa: F401, PLC0415

    for entrypoint in entrypoints:
        answer = _in_a_fork(entrypoint, answers.fileno(), patience)
        answers.write(json.dumps({"entrypoint": entrypoint, **answer}) + "\n")
        answers.flush()
    return 0


def _in_a_fork(entrypoint: str, answers: int, patience: float) -> dict[str, Any]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        # What the module starts may outlive us and must not hold this open.
        os.close(answers)
        os.close(read_end)
        _child(entrypoint, write_end)
    os.close(write_end)
    # By whichever of us comes first; with it goes all that the module starts.
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    try:
        return _answer_of(read_end, patience)
    finally:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _answer_of(descriptor: int, patience: float) -> dict[str, Any]:
    """Return what the fork wrote: one line."""
    data = b""
    while not data.endswith(b"\n"):
        readable, _, _ = select.select([descriptor], [], [], patience)
        if not readable:
            return {"error": f"it did not load within {patience:g} s"}
        chunk = os.read(descriptor, 65_536)
        if not chunk:
            return {"error": "the process ended while it was loaded"}
        data += chunk
    answer: dict[str, Any] = json.loads(data)
    return answer


def _child(entrypoint: str, descriptor: int) -> None:
    """Describe one flow and end this process, whatever happens."""
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        data = json.dumps(_describe(entrypoint)).encode() + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os._exit(0)


def _describe(entrypoint: str) -> dict[str, Any]:
    from prefect.exceptions import MissingFlowError  # noqa: PLC0415 - only in the fork
    from prefect.flows import Flow, load_flow_from_entrypoint  # noqa: PLC0415 - only in the fork
    from prefect.utilities.callables import parameter_schema  # noqa: PLC0415 - only in the fork

    path, _, function = entrypoint.rpartition(":")
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib would say the same
        return {"error": f"there is no file {path}"}
    try:
        flow: Flow[..., Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        description = {
            "flow_name": flow.name,
            "version": flow.version,
            "description": flow.description,
            "parameter_schema": parameter_schema(flow).model_dump(mode="json"),
        }
        # A version or a default of another type than JSON knows is the module's fault as well.
        json.dumps(description)
    except MissingFlowError:
        return {"error": f"{path} has no flow named {function}"}
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's module raises
        cause = error.__cause__ or error
        return {"error": f"{path} cannot be loaded: {type(cause).__name__}: {cause}"}
    return description


if __name__ == "__main__":
    sys.exit(main())
