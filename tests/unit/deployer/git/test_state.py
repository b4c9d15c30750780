from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance.deployer.git.state import State
from appliance.errors import WorldError


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert State.read(path) == State()
    state = State("b", {"": "a"}, {"c": ("one", "two")})
    state.write(path)
    assert State.read(path) == state
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_unused() -> None:
    state = State("head", {"": "live", "etl": "live of another", "gone": "of no project any more"})
    there = ["head", "live", "live of another", "of no project any more", "older"]
    assert state.unused(there, ["", "etl"]) == ["of no project any more", "older"]
    assert state.with_live("", "older").unused(there, [""]) == [
        "live",
        "live of another",
        "of no project any more",
    ]


def test_a_disk_that_does_not_take_it_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be written: No such file"):
        State().write(tmp_path / "absent" / "state.json")
