"""The directories that Zoe makes at its start, should somebody have removed one since."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.patient import Patient
from appliance.files import make_private_dir
from appliance.settings import Component

CHECK = "directories"


def look(patient: Patient) -> Iterator[Finding]:
    """Look for those that must be there while Zoe runs."""
    if not patient.is_running:
        return
    layout = patient.layout
    expected = [layout.log_file.parent]
    if patient.has(Component.WORKER):
        expected += [layout.ledger, layout.results, layout.prefect_home]
    missing = [path for path in expected if not path.is_dir()]
    for path in missing:
        yield problem(
            CHECK, f"{path} is gone", "zoe doctor --fix makes it anew", partial(_make, path)
        )
    if not missing:
        yield well(CHECK, "all are there")


def _make(path: Path) -> str:
    make_private_dir(path)
    return f"made {path}"
