from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from utils.shell_utils import (
    LONGEST_RECORD,
    CommandFailedError,
    CommandTimedOutError,
    describe_exit,
    run_command,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FLOWS = Path(__file__).resolve().parents[3] / "flows"
# No command here needs it; it only keeps a broken test from hanging.
PATIENCE = 60


class Records(logging.Handler):
    """Keeps what is logged and reacts to it the moment it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[int, str]] = []
        self.reactions: dict[str, Callable[[], object]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        self.lines.append((record.levelno, line))
        if reaction := self.reactions.get(line):
            reaction()

    def at(self, level: int) -> list[str]:
        return [line for its_level, line in self.lines if its_level == level]


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def logger(records: Records) -> logging.Logger:
    logger = logging.Logger("shell", logging.DEBUG)  # noqa: LOG001  # its own, so that tests don't mix
    logger.addHandler(records)
    return logger


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "XZ"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_output_is_logged_line_by_line_with_its_stream_as_level(
    logger: logging.Logger, records: Records
) -> None:
    result = run_command("echo one; echo; echo '  two'; echo three >&2", logger)
    assert records.at(logging.WARNING) == ["three"]
    assert records.at(logging.INFO)[:3] == ["one", "", "  two"]
    assert records.at(logging.INFO)[3].startswith("The command ended with exit code 0 after")
    assert (result.stdout_lines, result.stderr_lines) == (3, 1)


@pytest.mark.parametrize("redirection", ["", ">&2"])
def test_a_line_is_logged_when_it_is_printed_and_not_later(
    logger: logging.Logger, records: Records, tmp_path: Path, redirection: str
) -> None:
    # The command goes on only after its first line has been logged.
    seen = tmp_path / "seen"
    records.reactions["first"] = seen.touch
    run_command(
        f"echo first {redirection}; while [ ! -e {seen} ]; do sleep 0.02; done; echo second",
        logger,
        timeout_seconds=PATIENCE,
    )
    assert "second" in records.at(logging.INFO)


def test_python_does_not_hold_its_output_back(
    logger: logging.Logger, records: Records, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    records.reactions["first"] = seen.touch
    script = (
        "import pathlib, time\n"
        "print('first')\n"
        f"while not pathlib.Path({str(seen)!r}).exists(): time.sleep(0.02)\n"
    )
    run_command(f"{sys.executable} - <<'END'\n{script}END", logger, timeout_seconds=PATIENCE)
    assert "first" in records.at(logging.INFO)


def test_a_failure_says_the_exit_code_and_the_last_lines_of_stderr(
    logger: logging.Logger, records: Records
) -> None:
    with pytest.raises(CommandFailedError) as failure:
        run_command("echo fine; for n in $(seq 1 25); do echo line $n >&2; done; exit 3", logger)
    message = str(failure.value)
    assert "failed with exit code 3." in message
    assert message.endswith("line 24\nline 25")
    assert failure.value.last_stderr == tuple(f"line {number}" for number in range(16, 26))
    assert failure.value.exit_code == 3
    assert len(records.at(logging.WARNING)) == 25
    assert "exit code 3" in records.at(logging.ERROR)[0]


def test_a_silent_failure_says_that_there_was_nothing_to_say(logger: logging.Logger) -> None:
    with pytest.raises(CommandFailedError, match="printed nothing to standard error"):
        run_command("exit 1", logger)


def test_an_unknown_command_is_explained(logger: logging.Logger) -> None:
    with pytest.raises(CommandFailedError, match=r"exit code 127 \(command not found\)") as failure:
        run_command("no-such-command-here", logger)
    assert "no-such-command-here" in str(failure.value)


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (126, "exit code 126 (the command was found but is not executable)"),
        (137, "exit code 137 (ended by SIGKILL)"),
        (-15, "exit code -15 (ended by SIGTERM)"),
        (255, "exit code 255"),
    ],
)
def test_exit_codes_are_described(exit_code: int, words: str) -> None:
    assert describe_exit(exit_code) == words


def test_environment_is_added_to_that_of_the_process(
    logger: logging.Logger, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THERE", "already")
    run_command('echo "$THERE $ADDED"', logger, environment={"ADDED": "now"})
    assert "already now" in records.at(logging.INFO)


def test_the_command_runs_in_its_working_directory(
    logger: logging.Logger, records: Records, tmp_path: Path
) -> None:
    run_command("pwd", logger, working_directory=tmp_path)
    assert str(tmp_path) in records.at(logging.INFO)


def test_a_missing_working_directory_is_refused(logger: logging.Logger, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'working_directory'"):
        run_command("pwd", logger, working_directory=tmp_path / "missing")


def test_an_empty_command_is_refused(logger: logging.Logger) -> None:
    with pytest.raises(ValueError, match="command is empty"):
        run_command(" \n", logger)


def test_a_command_that_asks_gets_no_answer_and_does_not_hang(logger: logging.Logger) -> None:
    with pytest.raises(CommandFailedError):
        run_command("read -r answer", logger, timeout_seconds=PATIENCE)


def test_bytes_that_are_no_text_stay_visible(logger: logging.Logger, records: Records) -> None:
    run_command(r"printf 'a\377b\0c\n50%%\r100%%\rdone'", logger)
    assert records.at(logging.INFO)[:4] == [r"a\xffb\x00c", "50%", "100%", "done"]


def test_a_line_of_any_length_arrives_whole(logger: logging.Logger, records: Records) -> None:
    run_command(f"head -c {3 * LONGEST_RECORD + 5} /dev/zero | tr '\\0' x", logger)
    parts = [line for line in records.at(logging.INFO) if line.startswith("x")]
    assert [len(part) for part in parts] == [LONGEST_RECORD] * 3 + [5]


def test_too_long_a_command_is_ended_with_its_children(
    logger: logging.Logger, records: Records
) -> None:
    with pytest.raises(CommandTimedOutError, match=r"after 0\.5 s.*'timeout_seconds'"):
        run_command("sleep 1000 & echo $!; wait", logger, timeout_seconds=0.5)
    assert not is_running(int(records.at(logging.INFO)[0]))


def test_a_command_that_ignores_being_asked_is_killed(
    logger: logging.Logger, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("utils.shell_utils.GRACE_SECONDS", 0.2)
    with pytest.raises(CommandTimedOutError):
        run_command("trap '' TERM; echo $$; while :; do sleep 0.1; done", logger, timeout_seconds=1)
    assert not is_running(int(records.at(logging.INFO)[0]))


def test_what_is_left_in_the_background_is_ended(logger: logging.Logger, records: Records) -> None:
    run_command("sleep 1000 >/dev/null 2>&1 & echo $!", logger)
    assert not is_running(int(records.at(logging.INFO)[0]))
    assert "Ending what the command left running" in records.at(logging.WARNING)[0]


def test_output_from_the_background_is_not_lost(logger: logging.Logger, records: Records) -> None:
    run_command("(sleep 0.3; echo late) & echo early", logger)
    assert records.at(logging.INFO)[:2] == ["early", "late"]
    assert records.at(logging.WARNING) == []


def test_a_cancelled_run_ends_the_command(logger: logging.Logger, records: Records) -> None:
    class CancelledError(BaseException):
        """What Prefect raises in the main thread when a run is cancelled is no Exception either."""

    def cancel(_number: int, _frame: object) -> None:
        raise CancelledError

    before = signal.signal(signal.SIGUSR1, cancel)
    records.reactions["ready"] = lambda: os.kill(os.getpid(), signal.SIGUSR1)
    try:
        with pytest.raises(CancelledError):
            run_command("sleep 1000 & echo $!; echo ready; wait", logger)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not is_running(int(records.at(logging.INFO)[0]))


def test_a_killed_process_takes_the_command_and_its_script_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    program = (
        "import logging\n"
        "from utils.shell_utils import run_command\n"
        f"run_command('sleep 1000 & echo $! > {pids}.new; echo $$ >> {pids}.new;"
        f" mv {pids}.new {pids}; wait', logging.getLogger())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(FLOWS), "TMPDIR": str(scripts)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as process:
        wait_until(pids.exists)
        # Only once its keeper waits does the kill test what it shall test.
        wait_until(lambda: _has_child_named(process.pid, "keeper"))
        process.send_signal(signal.SIGKILL)
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not is_running(pid))  # type: ignore[misc]
    wait_until(lambda: not list(scripts.iterdir()))


def _has_child_named(parent: int, word: str) -> bool:
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            its_parent = int(status.read_text().rpartition(")")[2].split()[1])
            arguments = (status.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if its_parent == parent and word.encode() in arguments:
            return True
    return False
