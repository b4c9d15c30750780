from __future__ import annotations

from appliance.doctor import unfinished
from appliance.files import write_json
from tests.unit.doctor.conftest import MakePatient, healthy


def test_nothing_was_interrupted(make_patient: MakePatient) -> None:
    assert list(unfinished.look(make_patient())) == []


def test_both_are_told(make_patient: MakePatient) -> None:
    patient = make_patient()
    write_json(patient.layout.exchange_journal, {"moves": []})
    write_json(patient.layout.migration, {"from": ["a"], "to": "b", "backup": "zoe-1.tar.gz"})
    exchange, migration = unfinished.look(patient)
    assert "an exchange of the data" in exchange.what
    assert "the backup before it is zoe-1.tar.gz" in migration.what
    assert list(unfinished.look(make_patient(healthy("server")))) == []
