"""Run any shell command and watch its output in the run's log, line by line."""

from __future__ import annotations

from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field
from utils.shell_utils import CommandResult, run_command


@flow
def run_shell_command(
    command: str = "seq 1 100 | xargs -I{} sh -c 'date; sleep 3'",
    environment: dict[str, str] | None = None,
    working_directory: str | None = None,
    timeout_seconds: Annotated[float, Field(gt=0)] | None = None,
) -> CommandResult:
    """Run a shell command; each line that it prints is logged as it is printed.

    Standard error is logged as WARNING. The run fails if the command's exit code is not 0, and says
    the code and the last lines of standard error. If the run is cancelled or killed, so is the
    command with all that it started.

    Args:
        command: One line or a whole script, for bash (on Windows: for PowerShell).
        environment: Variables to add to the worker's own.
        working_directory: Where the command runs. If not given: where the flow runs.
        timeout_seconds: End the command, and fail, after this time. If not given: no limit.
    """
    return run_command(
        command,
        get_run_logger(),
        environment=environment,
        working_directory=working_directory,
        timeout_seconds=timeout_seconds,
    )


if __name__ == "__main__":
    run_shell_command("for number in 1 2 3; do date; sleep 1; done")
