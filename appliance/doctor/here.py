"""What this machine's worker is at, as the disk tells it."""

from __future__ import annotations

from appliance.doctor.lateness import Here
from appliance.doctor.patient import Patient
from appliance.settings import Component
from appliance.worker import admission
from appliance.worker.__main__ import worker_name
from appliance.worker.ledger import Ledger


def worker_here(patient: Patient, ahead: float) -> Here:
    """Return it.

    Args:
        patient: The appliance.
        ahead: This machine's clock minus the server's, in seconds.
    """
    if not patient.has(Component.WORKER):
        return Here(pool=None, ahead_seconds=ahead)
    settings, layout = patient.settings, patient.layout
    runs = len(list(Ledger(layout.ledger).entries())) if layout.ledger.is_dir() else 0
    return Here(
        pool=settings.work_pool,
        name=worker_name(settings),
        trouble=_trouble(patient),
        is_drained=not admission.is_open(layout.drained),
        runs=runs,
        limit=settings.worker_limit,
        ahead_seconds=ahead,
    )


def _trouble(patient: Patient) -> str:
    if patient.health is None:
        return "Zoe is not running here"
    program = patient.health.programs.get(Component.WORKER)
    if program is None or program.ready:
        return ""
    return program.detail
