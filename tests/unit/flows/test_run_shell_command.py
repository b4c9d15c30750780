from __future__ import annotations

import inspect
import logging

import pytest
from prefect.exceptions import ParameterTypeError
from prefect.logging.handlers import APILogHandler
from run_shell_command import run_shell_command

from tests.unit.flows.server_records import logs


def test_each_line_reaches_the_server_with_its_level_and_the_time_of_its_printing(
    server: str,
) -> None:
    state = run_shell_command(
        "echo one; sleep 0.5; echo two >&2; sleep 0.5; echo three", return_state=True
    )
    APILogHandler().flush()
    assert state.is_completed()
    records = {record["message"]: record for record in logs(server, state)}
    assert records["one"]["level"] == records["three"]["level"] == logging.INFO
    assert records["two"]["level"] == logging.WARNING
    assert records["one"]["timestamp"] < records["two"]["timestamp"] < records["three"]["timestamp"]
    assert any(message.startswith("The command ended with exit code 0") for message in records)


def test_a_failing_command_fails_the_run_and_the_state_says_why(server: str) -> None:
    state = run_shell_command("echo 'no such disk' >&2; exit 4", return_state=True)
    APILogHandler().flush()
    assert state.is_failed()
    assert "exit code 4" in str(state.message)
    assert "no such disk" in str(state.message)
    assert any(
        record["level"] == logging.ERROR and "ended with exit code 4" in record["message"]
        for record in logs(server, state)
    )


def test_environment_and_directory_are_parameters(server: str, tmp_path: str) -> None:
    state = run_shell_command(
        'test "$WORD" = right && test "$PWD" = "$EXPECTED"',
        environment={"WORD": "right", "EXPECTED": str(tmp_path)},
        working_directory=str(tmp_path),
        timeout_seconds=60,
        return_state=True,
    )
    assert state.is_completed(), state.message
    assert server


def test_a_time_limit_of_nothing_is_refused(server: str) -> None:  # noqa: ARG001
    with pytest.raises(ParameterTypeError, match="greater than 0"):
        run_shell_command("true", timeout_seconds=0)


def test_the_default_command_prints_the_date_a_hundred_times() -> None:
    default = inspect.signature(run_shell_command.fn).parameters["command"].default
    assert default == "seq 1 100 | xargs -I{} sh -c 'date; sleep 3'"
