from __future__ import annotations

import pytest

from appliance import credentials
from appliance.doctor import secret
from appliance.doctor.finding import Level
from appliance.errors import OperatorError
from tests.unit.doctor.conftest import MakePatient


def test_generated_ones_are_well(make_patient: MakePatient) -> None:
    patient = make_patient()
    credentials.ensure(patient.settings, patient.layout)
    assert [finding.what for finding in secret.look(patient)] == ["they can be read"]


def test_a_missing_one_is_refused_in_the_words_of_the_start(make_patient: MakePatient) -> None:
    with pytest.raises(OperatorError, match=r"admin_password cannot be read"):
        list(secret.look(make_patient()))


@pytest.mark.parametrize(
    "key", ["short", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkw", "not base64 at all \u00e9"]
)
def test_a_key_that_is_none(make_patient: MakePatient, key: str) -> None:
    patient = make_patient()
    credentials.ensure(patient.settings, patient.layout)
    patient.layout.encryption_key.write_text(key)
    (finding,) = secret.look(patient)
    assert finding.level is Level.PROBLEM
    assert "holds no encryption key" in finding.what
    assert key not in finding.what.replace(str(patient.layout.data), "")


def test_no_password_where_nobody_asks(make_patient: MakePatient) -> None:
    patient = make_patient(auth=False)
    credentials.ensure(patient.settings, patient.layout)
    (finding,) = secret.look(patient)
    assert "ZOE_AUTH is off" in finding.what
