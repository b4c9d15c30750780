from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.backup.scratch import PREFIX, scratch

HOLD = """
import sys, time
from pathlib import Path
from appliance.backup.scratch import scratch
with scratch(Path(sys.argv[1])) as directory:
    (directory / "half").write_text("x")
    print("there", flush=True)
    time.sleep(600)
"""


def left(parent: Path) -> list[Path]:
    return list(parent.glob(f"{PREFIX}*"))


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path) as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        (directory / "sub").mkdir()
    assert left(tmp_path) == []


def test_it_is_gone_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="x"), scratch(tmp_path):
        raise RuntimeError("x")
    assert left(tmp_path) == []


def test_that_of_a_dead_process_is_removed_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path.cwd()) as other:
        assert other.stdout
        assert other.stdout.readline() == b"there\n"
        with scratch(tmp_path):
            assert len(left(tmp_path)) == 2
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert len(left(tmp_path)) == 1
    with scratch(tmp_path) as directory:
        assert left(tmp_path) == [directory]
