from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from appliance.identity import ensure_name
from appliance.layout import Runtime


def test_a_user_whom_the_system_knows_keeps_its_name(tmp_path: Path) -> None:
    assert pwd.getpwuid(os.getuid())
    ensure_name(Runtime(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_name_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests cannot become an unknown user and stay able to write to their own directory.
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    monkeypatch.setattr(os, "getgid", lambda: 54322)
    runtime = Runtime(tmp_path)
    ensure_name(runtime)
    assert runtime.passwd.read_text().split(":")[:4] == ["zoe", "x", "54321", "54322"]
    assert runtime.group.read_text() == "zoe:x:54322:\n"
    assert runtime.passwd.stat().st_mode & 0o777 == 0o644
