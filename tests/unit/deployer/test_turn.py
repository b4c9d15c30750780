"""One pass at a time."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from appliance.deployer.turn import turn
from appliance.layout import Runtime

TAKE_AND_SAY = """
import sys
from pathlib import Path
from appliance.deployer.turn import turn
from appliance.layout import Runtime
print("waiting", flush=True)
with turn(Runtime(Path(sys.argv[1]))):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_the_second_waits_for_the_first_and_a_dead_one_holds_up_nobody(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path / "run")
    with turn(runtime):
        assert stat.S_IMODE(runtime.deployer_lock.stat().st_mode) == 0o600
        other = subprocess.Popen(
            [sys.executable, "-c", TAKE_AND_SAY, str(runtime.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout
        assert other.stdout.readline() == "waiting\n"
    assert other.stdout.readline() == "mine\n"
    other.kill()
    other.communicate()
    with turn(runtime):
        pass
