from __future__ import annotations

import pytest

from appliance.doctor import programs
from appliance.doctor.programs import restarted
from appliance.errors import WorldError
from appliance.supervisor import fatal
from appliance.supervisor.fatal import Fatal
from tests.unit.doctor.conftest import MakePatient, healthy

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("stopped", "told"), [(0, False), (NOW - 600, True), (NOW - 7200, False), (NOW + 5, True)]
)
def test_a_program_that_ended_lately(stopped: float, told: bool) -> None:
    found = list(restarted({"worker": {"stop": stopped}, "server": {"stop": 0}}, NOW))
    assert len(found) == told
    assert all("worker ended" in finding.what for finding in found)


def test_not_running(make_patient: MakePatient) -> None:
    patient = make_patient()
    (finding,) = programs.look(patient)
    assert "not running here; only its disk" in finding.what
    fatal.record(patient.runtime, Fatal("server", "it ended 5 times", ""))
    (finding,) = programs.look(patient)
    assert "its last end was for server: it ended 5 times" in finding.what


def test_a_supervisor_that_is_gone_is_told(make_patient: MakePatient) -> None:
    with pytest.raises(WorldError, match="supervisord does not answer"):
        list(programs.look(make_patient(healthy("server"))))
