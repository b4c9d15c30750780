from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import OperatorError
from appliance.exclusive import holding, lock
from appliance.layout import Layout

HOLD = """
import os, sys
from pathlib import Path
from appliance.exclusive import lock
from appliance.layout import Layout
lock(Layout(Path(sys.argv[1])))
print("held", flush=True)
# What `zoe run` does: become another program, and keep the lock.
os.execv("/bin/sleep", ["sleep", "600"])
"""


def test_a_second_zoe_is_refused_until_the_first_is_gone_however_it_went(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(OperatorError, match="another Zoe uses the data in"):
            lock(Layout(tmp_path))
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    probe = "import sys; from pathlib import Path; from appliance.exclusive import lock; "
    probe += "from appliance.layout import Layout; lock(Layout(Path(sys.argv[1])))"
    assert subprocess.run([sys.executable, "-c", probe, str(tmp_path)], check=False).returncode == 0


def test_it_can_be_held_for_a_moment(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with holding(layout), pytest.raises(OperatorError, match="another Zoe"), holding(layout):
        pass
    with holding(layout):
        pass
