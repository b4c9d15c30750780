from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.worker.warm import engine, settings_files
from tests.warm.conftest import ROOT


def test_everything_that_is_preloaded_is_there_and_nothing_of_it_starts_a_thread() -> None:
    code = """
import sys, threading
from appliance.worker.warm import engine
engine.preload((), lambda line: sys.exit(line))
assert threading.active_count() == 1
# It would cost memory, and time at each change of its files.
assert not [name for name in sys.modules if name.startswith("prefect.server.")]
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_models_are_complete_and_what_cannot_be_built_yet_does_no_harm() -> None:
    code = """
import sys
from appliance.worker.warm import engine
from pydantic import BaseModel
class NotYet(BaseModel):
    __module__ = "prefect.of_a_test"
    other: "Undefined"
engine.preload((), lambda line: sys.exit(line))
from prefect.client.schemas.objects import FlowRun
assert FlowRun.__pydantic_complete__
assert not NotYet.__pydantic_complete__
incomplete = [m for m in engine._models_below(BaseModel)
              if m.__module__.startswith("prefect.") and not m.__pydantic_complete__]
assert incomplete == [NotYet], incomplete
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {"PREFECT_LOGGING_LEVEL": "DEBUG"}, "DEBUG 10"),
        ({"PREFECT_LOGGING_LEVEL": "DEBUG"}, {"PREFECT_LOGGING_LEVEL": "ERROR"}, "ERROR 40"),
        ({}, {"OTHER": "1"}, "INFO 20"),
    ],
)
def test_settings_of_the_run_are_in_force(
    before: dict[str, str], now: dict[str, str], expected: str
) -> None:
    code = f"""
import logging, os
before, now = {before!r}, {now!r}
os.environ.update(before)
import prefect.main
from appliance.worker.warm import engine
for name in before: del os.environ[name]
os.environ.update(now)
engine.refresh(before, now)
print(prefect.settings.PREFECT_LOGGING_LEVEL.value(),
      logging.getLogger("prefect.flow_runs").getEffectiveLevel())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == expected.split()


@pytest.mark.parametrize("name", ["prefect.toml", "pyproject.toml", ".env", "profiles.toml"])
def test_settings_in_files_are_in_force(tmp_path: Path, name: str) -> None:
    """A template has started somewhere else, and before."""
    text = {
        "prefect.toml": '[logging]\nlevel = "ERROR"\n',
        "pyproject.toml": '[tool.prefect.logging]\nlevel = "ERROR"\n',
        ".env": "PREFECT_LOGGING_LEVEL=ERROR\n",
        "profiles.toml": 'active = "a"\n[profiles.a]\nPREFECT_LOGGING_LEVEL = "ERROR"\n',
    }[name]
    code = f"""
import logging, os
from pathlib import Path
from appliance.worker.warm import engine, settings_files
files = settings_files.contents(os.environ)
import prefect.main
Path({name!r}).write_text({text!r})
assert settings_files.contents(os.environ) != files
engine.refresh(os.environ, os.environ, True)
print(prefect.settings.PREFECT_LOGGING_LEVEL.value(),
      logging.getLogger("prefect.flow_runs").getEffectiveLevel())
"""
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout.split(), found.stderr) == (["ERROR", "40"], "")


def test_files_that_do_not_name_prefect_are_no_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    with contextlib.chdir(tmp_path):
        assert settings_files.contents({"PREFECT_HOME": str(tmp_path)}) == (None,) * 4


def test_numpy_draws_differ_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded = []

    class Numpy:
        class random:  # noqa: N801 - its name is numpy's
            @staticmethod
            def seed() -> None:
                seeded.append(True)

    monkeypatch.setitem(sys.modules, "numpy", Numpy)
    engine.refresh({}, {})
    assert seeded == [True]
