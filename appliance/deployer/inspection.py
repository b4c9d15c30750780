"""Ask the flows themselves what they are called and which parameters they take.

The deployer imports no user's module. `appliance.deployer.inspector` does, in another process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from appliance.deployer.inspector import SECONDS_PER_FLOW

# Prefect's import on a slow machine, before the first flow is looked at.
PATIENCE_SECONDS = 120.0
BEAT_SECONDS = 3.0


@dataclass(frozen=True)
class FlowDescription:
    """What a flow says of itself.

    Attributes:
        name: The flow's name on the server.
        version: The flow's own version; Prefect takes the file's digest where there is none.
        description: Its docstring.
        parameter_schema: JSON schema of its parameters, as Prefect's UI renders it.
        mistakes: What is wrong with parameters that were asked about, by `key_of` them.
        sources: The files that were loaded for it, and the directories that were searched.
    """

    name: str
    version: str | None
    description: str | None
    parameter_schema: dict[str, Any]
    mistakes: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()


Inspected = FlowDescription | str
"""A description, or in words why there is none."""


def key_of(parameters: Mapping[str, Any]) -> str:
    """Return what is equal for equal parameters."""
    return json.dumps(parameters, sort_keys=True, default=str)


def inspect(
    root: Path,
    entrypoints: Mapping[str, Iterable[Mapping[str, Any]]],
    beat: Callable[[], None],
    seconds_per_flow: float = SECONDS_PER_FLOW,
    python: Path | None = None,
) -> dict[str, Inspected]:
    """Describe flows.

    Args:
        root: The project's directory, from which entrypoints are relative.
        entrypoints: `path/to/file.py:function` each, with the parameters to be looked at.
        beat: Called every few seconds while we wait.
        seconds_per_flow: How long each may take to load.
        python: The interpreter of the environment that the flows run in; ours when left out.
    """
    wanted = {name: sorted(set(map(key_of, entrypoints[name]))) for name in sorted(entrypoints)}
    if not wanted:
        return {}
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [
            str(python or sys.executable),
            # A project may have modules of our names; it is not to be searched for ours.
            "-P",
            "-m",
            "appliance.deployer.inspector",
            str(write_end),
            str(seconds_per_flow),
        ],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(write_end,),
        env=seen_by_flows(os.environ),
    )
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        patience = PATIENCE_SECONDS + seconds_per_flow * len(wanted)
        return _collect(process, answers, wanted, beat, patience)


def _collect(
    process: subprocess.Popen[bytes],
    answers: BinaryIO,
    wanted: Mapping[str, Sequence[str]],
    beat: Callable[[], None],
    patience: float,
) -> dict[str, Inspected]:
    errors: list[bytes] = []

    def talk() -> None:
        question = {name: list(map(json.loads, given)) for name, given in wanted.items()}
        _, said = process.communicate(json.dumps(question).encode())
        errors.append(said)

    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(answers), daemon=True)
    talker = threading.Thread(target=talk, daemon=True)
    reader.start()
    talker.start()
    waited = 0.0
    while reader.is_alive():
        beat()
        reader.join(BEAT_SECONDS)
        waited += BEAT_SECONDS
        if waited > patience:
            process.kill()
    talker.join()
    described = {
        answer["entrypoint"]: _described(answer, wanted[answer["entrypoint"]])
        for answer in map(json.loads, lines)
    }
    last = errors[0].decode("utf-8", "replace").strip().splitlines()[-1:] if errors else []
    reason = f"the inspection ended before its turn: {' '.join(last) or process.returncode}"
    return {entrypoint: described.get(entrypoint, reason) for entrypoint in wanted}


def _described(answer: dict[str, Any], given: Sequence[str]) -> Inspected:
    if "error" in answer:
        return " ".join(str(answer["error"]).split())
    return FlowDescription(
        name=answer["flow_name"],
        version=answer["version"],
        description=answer["description"],
        parameter_schema=answer["parameter_schema"],
        mistakes=dict(zip(given, answer["mistakes"], strict=True)),
        sources=tuple(answer["sources"]),
    )


def seen_by_flows(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without what no user's module needs to see at import."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("ZOE_", "PREFECT_")) or name == "PREFECT_HOME"
    }
