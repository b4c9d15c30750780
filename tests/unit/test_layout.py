from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import layout
from appliance.layout import Layout, Runtime


def test_everything_lasting_is_below_the_data_directory(tmp_path: Path) -> None:
    found = _paths(Layout(tmp_path))
    assert all(path.is_relative_to(tmp_path) for path in found)
    assert len(set(found)) == len(found) > 5


def test_everything_passing_is_below_the_runtime_directory(tmp_path: Path) -> None:
    found = [*_paths(Runtime(tmp_path)), Runtime(tmp_path).heartbeat("worker")]
    assert all(path.is_relative_to(tmp_path) for path in found)
    assert len(set(found)) == len(found)


def _paths(of: Layout | Runtime) -> list[Path]:
    names = [name for name, kind in vars(type(of)).items() if isinstance(kind, property)]
    return [getattr(of, name) for name in names]


@pytest.mark.parametrize(
    ("variable", "function", "default"),
    [
        ("ZOE_RUNTIME_DIR", layout.runtime_dir, layout.DEFAULT_RUNTIME_DIR),
        ("ZOE_TEMPLATES", layout.templates_dir, layout.DEFAULT_TEMPLATES_DIR),
    ],
)
def test_directories_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, function: Callable[[], Path], default: str
) -> None:
    assert function() == Path(default)
    monkeypatch.setenv(variable, "")
    assert function() == Path(default)
    monkeypatch.setenv(variable, "/else/where")
    assert function() == Path("/else/where")
