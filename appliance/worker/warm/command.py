"""The command of a deployment whose runs start in another way than the work pool says."""

from __future__ import annotations

import shlex
from pathlib import Path

from appliance.worker.pool import WARM_COMMAND
from appliance.worker.warm.limits import OPTION, Limits


def flow_run_command(
    python: Path | None = None, limits: Limits | None = None, *, warm_start: bool = True
) -> str | None:
    """Return the command for the job variables; None where the template's own will do.

    Args:
        python: The interpreter of another environment than the worker's.
        limits: What a run may use at most.
        warm_start: Whether runs are forks.
    """
    words = []
    if python is not None:
        words += ["--python", str(python)]
    if limits is not None and (text := limits.text()):
        words += [OPTION, text]
    if not words:
        return None
    return shlex.join([WARM_COMMAND, *([] if warm_start else ["--cold"]), *words])


def has_limits(command: str | None) -> bool:
    """Tell whether a command has limits for its run."""
    if not command or OPTION not in command:
        return False
    try:
        name, *words = shlex.split(command)
    except ValueError:
        return False
    return Path(name).name == WARM_COMMAND and OPTION in words
