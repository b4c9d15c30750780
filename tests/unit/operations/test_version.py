from __future__ import annotations

import importlib.metadata
import json
import sys

import pytest

from appliance import __version__
from appliance.operations.version import version


def test_for_machines_and_persons(capsys: pytest.CaptureFixture[str]) -> None:
    assert version(as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["zoe"] == __version__
    assert found["prefect"] == importlib.metadata.version("prefect")
    assert found["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert version(as_json=False) == 0
    assert capsys.readouterr().out == "".join(f"{name} {text}\n" for name, text in found.items())
