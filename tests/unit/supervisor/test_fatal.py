from __future__ import annotations

from pathlib import Path

from appliance.layout import Runtime
from appliance.supervisor import fatal
from appliance.supervisor.fatal import Fatal


def test_the_first_cause_counts(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    assert fatal.recorded(runtime) is None
    first = Fatal("server", "it ended 4 times", "no space left")
    fatal.record(runtime, first)
    fatal.record(runtime, Fatal("worker", "it ended as well", ""))
    assert fatal.recorded(runtime) == first


def test_line() -> None:
    assert Fatal("server", "why", "words").line() == (
        "gave up on server: why; its last line was: words"
    )
    assert Fatal("server", "why", "").line() == "gave up on server: why"
