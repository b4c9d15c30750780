"""Run a shell command and log every line of its output the moment it is printed.

`prefect_shell.ShellOperation` is the engine: it writes the script, merges the environment, picks
the shell and starts it in a process group of its own. Alone it isn't enough for a run that somebody
watches: it logs standard error like standard output, drops empty lines, fails with a bare return
code, knows no time limit, and leaves the command running when the flow's process is killed
outright. This module adds what is missing, and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import locale
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from prefect_shell import ShellOperation  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Logger = logging.Logger | logging.LoggerAdapter[Any]

GRACE_SECONDS = 5.0
# What has closed its output may need a moment to end, on a busy machine above all.
LEAVING_SECONDS = 1.0
POLL_SECONDS = 0.02
"""How long a command may take to end itself, once asked, before it is killed."""

STDERR_LINES_IN_MESSAGE = 10
"""How many of the last lines of standard error a failure's message repeats."""

LONGEST_RECORD = 64 * 1024
"""Longer lines become several records: the server cuts a record off at about a megabyte."""

# Waits for a word from the flow's process. End of file instead of a word means that the process is
# gone, however it went, and nobody else is left to end the command and to clear its script away.
# Arguments: the process group, the seconds of grace, the script's path.
_KEEPER = """
read -r word && exit 0
rm -f -- "$3"
kill -s TERM -- "-$1"
seconds=0
while [ "$seconds" -lt "$2" ]; do
    kill -s 0 -- "-$1" || exit 0
    sleep 1
    seconds=$((seconds + 1))
done
kill -s KILL -- "-$1"
"""


class CommandError(RuntimeError):
    """A command did not do what it was asked to do."""


class CommandFailedError(CommandError):
    """A command ended with another exit code than 0.

    Attributes:
        exit_code: What the shell returned; negative if a signal ended the shell.
        last_stderr: The last lines that it printed to standard error.
    """

    def __init__(self, exit_code: int, last_stderr: Sequence[str]) -> None:
        self.exit_code = exit_code
        self.last_stderr = tuple(last_stderr)
        if last_stderr:
            said = "The last lines of its standard error:\n" + "\n".join(last_stderr)
        else:
            said = "It printed nothing to standard error."
        super().__init__(f"The command failed with {describe_exit(exit_code)}. {said}")


class CommandTimedOutError(CommandError):
    """A command did not end in time and was ended."""


@dataclass(frozen=True)
class CommandResult:
    """What is known about a command that succeeded.

    Attributes:
        seconds: How long it took.
        stdout_lines: How many lines it printed to standard output.
        stderr_lines: How many lines it printed to standard error.
    """

    seconds: float
    stdout_lines: int
    stderr_lines: int


def run_command(
    command: str,
    logger: Logger,
    *,
    environment: Mapping[str, str] | None = None,
    working_directory: str | Path | None = None,
    timeout_seconds: float | None = None,
) -> CommandResult:
    """Run a command in the shell (bash; PowerShell on Windows) and log its output line by line.

    Standard output is logged as INFO, standard error as WARNING. The call lasts until the shell and
    whatever still holds its output have ended. Nothing that the command started in its process
    group outlives the call, nor the process that makes it.

    Args:
        command: One line or a whole script.
        logger: Where the lines go.
        environment: Variables to add to those of this process.
        working_directory: Where the command runs; this process's own directory if not given.
        timeout_seconds: How long the command may take; as long as it likes if not given.

    Returns:
        How long it took and how much it printed.

    Raises:
        CommandFailedError: If the exit code isn't 0.
        CommandTimedOutError: If the time was over first.
        ValueError: If there is no command, or its directory doesn't exist.
    """
    if not command.strip():
        raise ValueError("The command is empty: set the parameter 'command' to what shall run.")
    if working_directory is not None and not Path(working_directory).is_dir():
        raise ValueError(
            f"The working directory {str(working_directory)!r} is not a directory on this machine:"
            " create it, or set the parameter 'working_directory' to one that exists."
        )
    # Python holds its output back when nobody seems to look, and then no line comes in time.
    variables = {"PYTHONUNBUFFERED": "1", **(environment or {})}
    operation = ShellOperation(
        commands=[command],
        env=variables,
        working_dir=Path(working_directory) if working_directory is not None else None,
        stream_output=False,
    )
    started = time.monotonic()
    with operation:
        process = _started(operation)
        with _guarded(process):
            output = _Output(process, logger)
            with _ended_at_exit(process, output, logger):
                _wait(process, output, started, timeout_seconds)
    seconds = time.monotonic() - started
    exit_code = process.returncode
    level = logging.ERROR if exit_code else logging.INFO
    logger.log(level, "The command ended with %s after %.1f s", describe_exit(exit_code), seconds)
    if exit_code:
        raise CommandFailedError(exit_code, output.stderr.last)
    return CommandResult(seconds, output.stdout.count, output.stderr.count)


def describe_exit(exit_code: int) -> str:
    """Say an exit code in words where the number alone would be a riddle."""
    by_convention = {
        126: "the command was found but is not executable",
        127: "command not found",
    }
    meaning = by_convention.get(exit_code)
    # A shell that was ended itself shows as a negative code, a command in it as 128 + signal.
    number = -exit_code if exit_code < 0 else exit_code - 128
    with contextlib.suppress(ValueError):
        meaning = meaning or f"ended by {signal.Signals(number).name}"
    return f"exit code {exit_code} ({meaning})" if meaning else f"exit code {exit_code}"


@dataclass
class _Stream:
    """One stream of a command's output: where its lines go and what they were.

    Attributes:
        level: The level of its log records.
        count: How many lines came.
        last: The last of them.
    """

    level: int
    count: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=STDERR_LINES_IN_MESSAGE))

    def log_lines(self, pipe: IO[bytes], logger: Logger) -> None:
        """Log each line as it comes, until nobody holds the other end of the pipe."""
        for line in _lines(pipe):
            self.count += 1
            self.last.append(line)
            logger.log(self.level, "%s", line)


class _Output:
    """Both streams of a command, each read by its own thread so that neither blocks the other.

    Reading begins with the first wait for its end: a cancellation may come with the first line, and
    by then all must be in place that ends the command.
    """

    def __init__(self, process: subprocess.Popen[bytes], logger: Logger) -> None:
        self.stdout = _Stream(logging.INFO)
        self.stderr = _Stream(logging.WARNING)
        pipes = ((self.stdout, process.stdout), (self.stderr, process.stderr))
        self._readers = [
            # The log handler finds the run, and the server, in the context.
            threading.Thread(
                target=copy_context().run, args=(stream.log_lines, pipe, logger), daemon=True
            )
            for stream, pipe in pipes
        ]
        self._unstarted = list(self._readers)

    def is_complete(self, deadline: float | None = None) -> bool:
        """Read to the end of both streams; False if it doesn't come until the deadline."""
        while self._unstarted:
            self._unstarted.pop().start()
        for reader in self._readers:
            # One whose start was interrupted by a cancellation can't be waited for.
            with contextlib.suppress(RuntimeError):
                reader.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(reader.is_alive() for reader in self._readers)


def _lines(pipe: IO[bytes]) -> Iterator[str]:
    # Progress bars end lines with a carriage return: universal newlines show them as they move.
    # Bytes that are no text stay visible as escapes; the server would drop NULs in silence.
    encoding = locale.getencoding() if sys.platform == "win32" else "utf-8"
    with io.TextIOWrapper(pipe, encoding=encoding, errors="backslashreplace", newline=None) as text:
        while line := text.readline(LONGEST_RECORD):
            yield line.removesuffix("\n").replace("\x00", "\\x00")


def _started(operation: ShellOperation) -> subprocess.Popen[bytes]:
    """Start the operation and give its process.

    `ShellProcess` has no public way to its pipes: `_process` is the one private name of
    prefect-shell that this module leans on, and a test holds it to that.
    """
    try:
        # With no input, a command that asks a question fails at once instead of waiting for ever.
        shell = operation.trigger(stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise CommandError(f"The shell {error.filename!r} is not installed here.") from None
    process = shell._process  # noqa: SLF001
    if not isinstance(process, subprocess.Popen):
        raise CommandError("run_command() is for synchronous flows; call it in a thread.")
    return process


def _wait(
    process: subprocess.Popen[bytes],
    output: _Output,
    started: float,
    timeout_seconds: float | None,
) -> None:
    if timeout_seconds is None:
        output.is_complete()
        process.wait()
        return
    deadline = started + timeout_seconds
    too_late = CommandTimedOutError(
        f"The command was still running after {timeout_seconds:g} s, its time limit, and was ended."
        " Set the parameter 'timeout_seconds' higher, or to nothing, if it needs more."
    )
    if not output.is_complete(deadline):
        raise too_late
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise too_late from None


@contextlib.contextmanager
def _ended_at_exit(
    process: subprocess.Popen[bytes], output: _Output, logger: Logger
) -> Iterator[None]:
    """Leave nothing of the command behind, whether it ended, failed, or was cancelled."""
    try:
        yield
        deadline = time.monotonic() + LEAVING_SECONDS
        while _is_alive(process) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    finally:
        if _is_alive(process):
            logger.warning("Ending what the command left running (process group %s)", process.pid)
            _end(process)
        if not output.is_complete(time.monotonic() + GRACE_SECONDS):
            logger.warning("A process that left the command's group still holds its output")


if sys.platform == "win32":

    def _is_alive(process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is None

    def _end(process: subprocess.Popen[bytes]) -> None:
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(process.pid)], check=False, capture_output=True
        )
        process.wait()

    @contextlib.contextmanager
    def _guarded(process: subprocess.Popen[bytes]) -> Iterator[None]:  # noqa: ARG001
        """Do nothing: Windows has no process groups that a keeper could end."""
        yield

else:

    def _is_alive(process: subprocess.Popen[bytes]) -> bool:
        process.poll()  # a shell that has ended but was not waited for would count as alive
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it became another user's
        return _has_running_member(process.pid)

    def _has_running_member(group: int) -> bool:
        """Look past the dead that process 1 has not buried yet; they can't be ended once more."""
        statuses = list(Path("/proc").glob("[0-9]*/stat"))
        for status in statuses:
            with contextlib.suppress(OSError):  # gone since
                state, _, its_group = status.read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state not in "XZ":
                    return True
        return not statuses  # no /proc, as on macOS: what counts as alive is alive

    def _end(process: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            deadline = time.monotonic() + GRACE_SECONDS
            while _is_alive(process):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)

    @contextlib.contextmanager
    def _guarded(process: subprocess.Popen[bytes]) -> Iterator[None]:
        """End the process group even if this process is killed and can do nothing any more."""
        _, script = cast("list[str]", process.args)
        keeper_arguments = [str(process.pid), f"{GRACE_SECONDS:.0f}", script]
        with subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "keeper", *keeper_arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # what ends our group or the command's must not end the keeper
        ) as keeper:
            try:
                yield
            finally:
                with contextlib.suppress(BrokenPipeError):
                    keeper.communicate(b"done\n")
