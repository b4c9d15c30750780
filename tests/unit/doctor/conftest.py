"""An appliance on disk, running or not, as the looks see it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.doctor.patient import Patient
from appliance.files import make_private_dir
from appliance.layout import Layout, Runtime
from appliance.supervisor.health import Health, ProgramHealth
from tests.unit.support import make_settings

MakePatient = Callable[..., Patient]


def healthy(*names: str) -> Health:
    """All programs ready; each is this very process."""
    programs = {
        name: ProgramHealth("RUNNING", os.getpid(), time.time(), ready=True, detail="")
        for name in names
    }
    return Health(programs, time.monotonic())


@pytest.fixture
def make_patient(tmp_path: Path) -> MakePatient:
    def make(health: Health | None = None, **settings: Any) -> Patient:
        layout = Layout(tmp_path / "data")
        make_private_dir(layout.data)
        runtime = Runtime(tmp_path / "runtime")
        make_private_dir(runtime.root)
        return Patient(make_settings(data_dir=layout.data, **settings), layout, runtime, health)

    return make
