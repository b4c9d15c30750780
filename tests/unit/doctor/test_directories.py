from __future__ import annotations

import stat

from appliance.doctor import directories
from tests.unit.doctor.conftest import MakePatient, healthy


def test_what_is_gone_is_made_anew(make_patient: MakePatient) -> None:
    patient = make_patient(healthy("server", "worker"))
    found = list(directories.look(patient))
    assert {finding.what.split()[0] for finding in found} == {
        str(patient.layout.data / name) for name in ("logs", "worker/runs", "results", "prefect")
    }
    for finding in found:
        assert finding.mend is not None
        finding.mend()
    assert stat.S_IMODE(patient.layout.results.stat().st_mode) == 0o700
    assert [finding.what for finding in directories.look(patient)] == ["all are there"]


def test_before_a_start_none_is_missed(make_patient: MakePatient) -> None:
    assert list(directories.look(make_patient())) == []
