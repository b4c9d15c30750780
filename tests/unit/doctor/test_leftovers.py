from __future__ import annotations

import os
from pathlib import Path

from appliance.backup.scratch import scratch
from appliance.doctor import leftovers
from appliance.doctor.patient import Patient
from appliance.files import make_private_dir
from tests.unit.doctor.conftest import MakePatient


def aged(path: Path, patient: Patient, seconds: float) -> None:
    os.utime(path, (patient.now - seconds, patient.now - seconds))


def test_only_what_is_old_and_half_written_is_removed(make_patient: MakePatient) -> None:
    patient = make_patient()
    layout = patient.layout
    make_private_dir(layout.sqlite_file.parent)
    make_private_dir(layout.ledger)
    stale_file = layout.ledger / ".run.json.a1b2c3d4"
    stale_file.write_text("half")
    stale_dir = layout.data / ".postgres.tar.gz.abcdefgh"
    (stale_dir / "base").mkdir(parents=True)
    (stale_dir / "base" / "1").write_bytes(b"x" * 2048)
    fresh = layout.data / ".zoe.json.zzzzzzzz"
    fresh.write_text("now")
    ours = layout.data / ".restore-journal"
    ours.write_text("not a scratch name")
    for path in (stale_file, stale_dir, ours):
        aged(path, patient, 3 * 86400)

    found = list(leftovers.look(patient))
    assert sorted(f.what.partition(" ")[0] for f in found) == sorted(
        [str(stale_dir), str(stale_file)]
    )
    assert any("2 KiB" in finding.what for finding in found)
    for finding in found:
        assert finding.mend is not None
        assert "removed" in finding.mend()
    assert not stale_dir.exists()
    assert not stale_file.exists()
    assert fresh.exists()
    assert ours.exists()
    assert all(finding.is_well for finding in leftovers.look(patient))


def test_a_backup_that_was_killed_is_told_from_one_that_goes_on(make_patient: MakePatient) -> None:
    patient = make_patient()
    backups = patient.layout.backups
    make_private_dir(backups)
    with scratch(backups) as going_on:
        killed = backups / ".partial-abcdefgh"
        killed.mkdir()
        (killed / "prefect.db").write_bytes(b"x" * 3 * 1024**2)
        (finding,) = leftovers.look(patient)
        assert str(killed) in finding.what
        assert "3 MiB" in finding.what
        assert finding.mend is not None
        finding.mend()
        assert not killed.exists()
        assert going_on.exists()
        assert all(finding.is_well for finding in leftovers.look(patient))


def test_what_a_killed_restore_still_brings_in_is_left_alone(make_patient: MakePatient) -> None:
    patient = make_patient()
    restoring = patient.layout.data / ".restoring-abcdefgh"
    make_private_dir(restoring)
    (finding,) = leftovers.look(patient)
    assert str(restoring) in finding.what
    patient.layout.exchange_journal.write_text("{}")
    assert finding.mend is not None
    finding.mend()
    assert restoring.exists()
    assert all(finding.is_well for finding in leftovers.look(patient))
