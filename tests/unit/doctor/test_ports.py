from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from appliance.doctor import ports
from appliance.errors import OperatorError
from appliance.supervisor.health import Health, ProgramHealth
from tests.unit.doctor.conftest import MakePatient, healthy
from tests.unit.support import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_our_own_port(make_patient: MakePatient, taken: int) -> None:
    patient = make_patient(healthy("server"), host="127.0.0.1", port=taken)
    (finding,) = ports.look(patient)
    assert finding.what == f"the server listens on {taken}"
    assert finding.is_well


def test_anothers_port(make_patient: MakePatient, taken: int) -> None:
    another = ProgramHealth("RUNNING", os.getppid(), 0.0, ready=False, detail="")
    patient = make_patient(Health({"server": another}, 0.0), host="127.0.0.1", port=taken)
    (finding,) = ports.look(patient)
    assert f"somebody else listens on port {taken}" in finding.what


def test_nobodys_port(make_patient: MakePatient) -> None:
    port = free_port()
    (finding,) = ports.look(make_patient(healthy("server"), host="127.0.0.1", port=port))
    assert finding.what == f"nobody listens on port {port}"


def test_a_port_while_we_do_not_run(make_patient: MakePatient, taken: int) -> None:
    with pytest.raises(OperatorError, match=f"cannot listen on 127.0.0.1 port {taken}"):
        list(ports.look(make_patient(host="127.0.0.1", port=taken)))
    (finding,) = ports.look(make_patient(host="127.0.0.1", port=free_port()))
    assert finding.is_well


def test_a_worker_has_no_port(make_patient: MakePatient) -> None:
    patient = make_patient(components="worker", api_url="http://127.0.0.1:1/api")
    assert list(ports.look(patient)) == []
