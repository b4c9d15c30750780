from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from appliance.errors import WorldError
from appliance.layout import Runtime
from appliance.supervisor.control import Control
from tests.unit.supervisor.conftest import Appliance, program
from tests.unit.support import wait_until

SLEEP = ("/bin/sleep", "1000")


def test_programs_are_described_started_and_stopped(appliance: Appliance) -> None:
    appliance.start([program("up", SLEEP), program("down", SLEEP, autostart=False)])
    appliance.wait_for("zoe", "spawned: 'up'")
    with closing(Control(appliance.runtime)) as control:
        _describe_start_and_stop(control)
    assert appliance.wait() == 0


def _describe_start_and_stop(control: Control) -> None:
    def states() -> dict[str, str]:
        return {name: info["statename"] for name, info in control.processes().items()}

    wait_until(lambda: states() == {"up": "RUNNING", "down": "STOPPED"}, "the first states")
    control.start("down")
    wait_until(lambda: states()["down"] == "RUNNING", "it runs")
    assert Path(f"/proc/{control.processes()['down']['pid']}").exists()
    control.stop("up")
    wait_until(lambda: states()["up"] == "STOPPED", "it has stopped")
    with pytest.raises(WorldError, match="supervisord refused startProcess: BAD_NAME: nobody"):
        control.start("nobody")
    control.shutdown()


def test_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"supervisord does not answer: .*is Zoe running here"):
        Control(Runtime(tmp_path)).processes()
