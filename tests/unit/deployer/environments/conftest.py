"""A wheelhouse, and nothing else that uv could take packages from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import wheels


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    wheels.make(directory, "zoetester", "1.0", ["zoeother", "pydantic>=2"], script="zoe-says")
    wheels.make(directory, "zoeother", "1.0")
    wheels.make(directory, "zoeother", "2.0")
    wheels.make(directory, "zoebad", "1.0", ["pydantic<2"])
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(directory))
    return directory
