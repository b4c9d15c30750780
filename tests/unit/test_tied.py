from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from appliance import tied
from tests.unit.support import wait_until

PARENT = """
import sys, time
from appliance import tied
child = tied.popen(["/bin/sleep", "1000"])
print(child.pid, flush=True)
time.sleep(1000)
"""


def test_a_child_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    # Whoever adopts it may leave it a zombie.
    wait_until(lambda: _state(child) in {None, "Z"}, "the child is gone, too")


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


def test_a_child_of_a_parent_that_lives_goes_on() -> None:
    with tied.popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        answer, _ = child.communicate(b"still here")
    assert (child.returncode, answer) == (0, b"still here")


def test_the_signal_can_be_chosen() -> None:
    with tied.popen(["/bin/sleep", "1000"], number=signal.SIGTERM) as child:
        os.kill(child.pid, signal.SIGTERM)
    assert child.returncode == -signal.SIGTERM
