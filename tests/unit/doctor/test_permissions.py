from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance.doctor import permissions
from appliance.doctor.finding import Level
from appliance.doctor.patient import Patient
from appliance.files import make_private_dir, write_atomically
from tests.unit.doctor.conftest import MakePatient


@pytest.fixture
def patient(make_patient: MakePatient) -> Patient:
    made = make_patient()
    layout = made.layout
    for directory in (layout.secrets_dir, layout.sqlite_file.parent, layout.backups):
        make_private_dir(directory)
    for path in (layout.admin_password, layout.encryption_key, layout.stamp):
        write_atomically(path, "x")
    write_atomically(layout.backups / "zoe-20260101T000000Z.tar.gz", b"x")
    return made


def test_private_files_are_well(patient: Patient) -> None:
    (finding,) = permissions.look(patient)
    assert finding.is_well


def test_an_open_file_is_told_and_closed(patient: Patient) -> None:
    password = patient.layout.admin_password
    password.chmod(0o644)
    (finding,) = permissions.look(patient)
    assert finding.level is Level.PROBLEM
    assert f"{password} is open to others than its owner (mode 0644)" in finding.what
    assert f"chmod 600 {password}" in finding.remedy
    assert finding.mend is not None
    assert "0600" in finding.mend()
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert all(finding.is_well for finding in permissions.look(patient))


@pytest.mark.parametrize("name", ["secrets", "backups"])
def test_an_open_directory_is_closed(patient: Patient, name: str) -> None:
    directory: Path = patient.layout.data / name
    directory.chmod(0o755)
    (finding,) = permissions.look(patient)
    assert finding.mend is not None
    finding.mend()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_file_that_its_owner_cannot_read(patient: Patient) -> None:
    patient.layout.encryption_key.chmod(0o000)
    (finding,) = permissions.look(patient)
    assert "closed to its owner" in finding.what
    assert finding.mend is None
