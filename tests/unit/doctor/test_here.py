from __future__ import annotations

import time

from appliance.doctor.here import worker_here
from appliance.doctor.lateness import Here
from appliance.supervisor.health import Health, ProgramHealth
from appliance.worker import admission
from appliance.worker.ledger import Ledger
from tests.unit.doctor.conftest import MakePatient, healthy


def test_a_worker_at_work(make_patient: MakePatient) -> None:
    patient = make_patient(healthy("server", "worker"), worker_name="one", worker_limit=3)
    assert worker_here(patient, 0.5) == Here("default", "one", limit=3, ahead_seconds=0.5)


def test_what_the_disk_tells(make_patient: MakePatient) -> None:
    patient = make_patient(healthy("worker"), worker_name="one")
    ledger = Ledger(patient.layout.ledger)
    ledger.note("run-1")
    ledger.note("run-2")
    admission.close(patient.layout.drained)
    found = worker_here(patient, 0.0)
    assert (found.runs, found.is_drained) == (2, True)


def test_why_it_does_not_work(make_patient: MakePatient) -> None:
    assert worker_here(make_patient(), 0.0).trouble == "Zoe is not running here"
    hung = ProgramHealth("RUNNING", 1, 0.0, ready=False, detail="gave no sign of life for 40 s")
    patient = make_patient(Health({"worker": hung}, time.monotonic()))
    assert worker_here(patient, 0.0).trouble == "gave no sign of life for 40 s"


def test_no_worker_here(make_patient: MakePatient) -> None:
    patient = make_patient(components="database,server")
    assert worker_here(patient, 0.0).pool is None
