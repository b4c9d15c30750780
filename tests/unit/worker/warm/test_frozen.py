from __future__ import annotations

import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from appliance.worker.warm import frozen


@pytest.mark.parametrize(
    ("template", "wanted", "name"),
    [
        ({}, {}, None),
        ({"A": "1"}, {"B": "2", "PREFECT__FLOW_RUN_ID": "x", "PYTHONPATH": "/p"}, None),
        ({"LD_PRELOAD": "x"}, {"LD_PRELOAD": "x"}, None),
        ({}, {"LD_PRELOAD": "x"}, "LD_PRELOAD"),
        ({"PYTHONUTF8": "1"}, {}, "PYTHONUTF8"),
        ({"LANG": "C"}, {"LANG": "C.UTF-8"}, "LANG"),
        ({"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2", "LC_ALL": "C"}, "LC_ALL"),
    ],
)
def test_difference_is_told_where_no_fork_can_follow(
    template: dict[str, str], wanted: dict[str, str], name: str | None
) -> None:
    assert frozen.difference(template, wanted) == name


def test_search_path_is_python_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join(["/a", "relative", "/lib", "/a"])
    assert frozen.search_path("/here", path, ["/lib", "/site"]) == [
        "/here",
        "/a",
        str(tmp_path / "relative"),
        "/lib",
        "/site",
    ]
    assert frozen.search_path("/here", "", ["/lib"]) == ["/here", "/lib"]
    assert frozen.search_path("/here", None, ["/lib"]) == ["/here", "/lib"]


def test_only_what_would_be_imported_instead_is_a_shadow(tmp_path: Path) -> None:
    modules = {"prefect", "yaml"}
    for name in ("prefect.yaml", "mine.py", "yaml.txt", "yaml.py.bak"):
        (tmp_path / name).touch()
    (tmp_path / "prefect").mkdir()
    assert frozen.shadow([str(tmp_path), str(tmp_path / "missing")], modules) is None
    (tmp_path / "prefect" / "__init__.py").touch()
    assert frozen.shadow([str(tmp_path)], modules) == str(tmp_path / "prefect")


@pytest.mark.parametrize("name", ["yaml.py", f"yaml{EXTENSION_SUFFIXES[0]}", "sitecustomize.py"])
def test_module_in_a_file_is_a_shadow(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert frozen.shadow([str(tmp_path)], {"yaml"}) == str(tmp_path / name)


def test_an_archive_may_hold_anything(tmp_path: Path) -> None:
    archive = tmp_path / "modules.zip"
    archive.touch()
    assert frozen.shadow([str(archive)], set()) == str(archive)
