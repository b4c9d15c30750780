"""The flows can be started as scripts and loaded by Prefect, from wherever that is done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FLOWS = Path(__file__).resolve().parents[3] / "flows"
LOAD = """
import sys
from prefect.flows import load_flow_from_entrypoint
for path in sys.argv[1:]:
    print(load_flow_from_entrypoint(path).name)
"""


def python(*arguments: str, cwd: Path, server: str) -> str:
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PREFECT_API_URL": server},
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_prefect_loads_every_flow_by_its_entrypoint(server: str) -> None:
    files = sorted(FLOWS.glob("*.py"))
    entrypoints = [f"flows/{file.name}:{file.stem}" for file in files]
    loaded = python("-c", LOAD, *entrypoints, cwd=FLOWS.parent, server=server)
    assert loaded.split() == [file.stem.replace("_", "-") for file in files]
    assert len(files) == 5


def test_a_script_runs_from_elsewhere(server: str, tmp_path: Path) -> None:
    script = FLOWS / "content_filenames_verification_flow.py"  # it imports the utilities, too
    output = python(str(script), cwd=tmp_path, server=server)
    assert "file names in content_files keep the rules" in output
