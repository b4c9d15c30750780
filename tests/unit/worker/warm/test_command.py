from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from appliance.worker.warm.command import flow_run_command, has_limits
from appliance.worker.warm.launcher import _options
from appliance.worker.warm.limits import Limits, parse

LIMITS = parse("memory=512000000,nice=3")
PYTHON = Path("/data/an environment/bin/python")


def test_nothing_to_say_is_no_command() -> None:
    assert flow_run_command() is None
    assert flow_run_command(limits=Limits({})) is None


@pytest.mark.parametrize("warm_start", [True, False])
@pytest.mark.parametrize("python", [None, PYTHON])
@pytest.mark.parametrize("limits", [None, LIMITS])
def test_the_launcher_understands_what_is_said(
    python: Path | None, limits: Limits | None, *, warm_start: bool
) -> None:
    command = flow_run_command(python, limits, warm_start=warm_start)
    words = shlex.split(command or "zoe-flow-run")
    assert words[0] == "zoe-flow-run"
    found = _options([*words[1:], "more"])
    _, default, _, _ = _options([])
    is_cold = command is not None and not warm_start
    assert found == (is_cold, str(python or default), limits.text() if limits else "", ["more"])
    assert has_limits(command) is (limits is not None)


@pytest.mark.parametrize(
    "command",
    [None, "", "zoe-flow-run", "python -m prefect.engine", "mine --limits x", "zoe-flow-run '"],
)
def test_commands_without_limits_of_ours(command: str | None) -> None:
    assert not has_limits(command)
