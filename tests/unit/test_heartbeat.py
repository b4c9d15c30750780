from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from appliance import heartbeat


def test_age_of_a_beat(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    assert heartbeat.age(path, os.getpid()) is None
    before = time.monotonic()
    heartbeat.beat(path)
    age = heartbeat.age(path, os.getpid())
    assert age is not None
    # The file holds milliseconds.
    assert -0.001 <= age <= time.monotonic() - before + 0.001


def test_beat_of_another_process_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    heartbeat.beat(path)
    assert heartbeat.age(path, os.getpid() + 1) is None


def test_age_grows_until_the_next_beat(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    path.write_text(f"{os.getpid()} {time.monotonic() - 100:.3f}")
    assert heartbeat.age(path, os.getpid()) == pytest.approx(100, abs=1)
    heartbeat.beat(path)
    assert heartbeat.age(path, os.getpid()) == pytest.approx(0, abs=1)
