from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.deployer.project import Project


def _write(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("something else, and longer")

    return change


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (_write("flows/f.py"), True),
        (_write("flows/new.py"), True),
        (_write("deployments/d.yaml"), True),
        (_write("deep/er/requirements.txt"), True),
        (lambda root: (root / "flows/f.py").unlink(), True),
        (lambda root: os.utime(root / "flows/f.py", ns=(1, 1)), True),
        # What a run leaves behind must not have all flows inspected again.
        (_write("output.csv"), False),
        (_write("flows/__pycache__/f.py"), False),
        (_write(".venv/lib/x.py"), False),
        (_write(".git/config.txt"), False),
        (lambda _: None, False),
    ],
)
def test_fingerprint(tmp_path: Path, change: Callable[[Path], None], differs: bool) -> None:
    for name in ("flows/f.py", "deployments/d.yaml", "output.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    before = Project(tmp_path).fingerprint()
    change(tmp_path)
    assert (Project(tmp_path).fingerprint() != before) is differs


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ("deployments/d.yaml", False),
        ("deployments/new.yml", False),
        ("deployments/sizes.json", True),
        ("flows/deployments/d.yaml", True),
        ("flows/f.py", True),
    ],
)
def test_what_only_declares_is_nothing_to_flows(tmp_path: Path, name: str, differs: bool) -> None:
    _write("deployments/d.yaml")(tmp_path)
    before = Project(tmp_path).flows_fingerprint()
    _write(name)(tmp_path)
    os.utime(tmp_path / name, ns=(1, 1))
    assert (Project(tmp_path).flows_fingerprint() != before) is differs


def test_fingerprint_of_what_comes_and_goes(tmp_path: Path) -> None:
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.py").write_text("x")
    assert Project(tmp_path).fingerprint() == Project(tmp_path).fingerprint()
    assert Project(tmp_path / "absent").fingerprint()
