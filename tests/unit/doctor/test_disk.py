from __future__ import annotations

from pathlib import Path

import pytest

from appliance.doctor import disk
from appliance.doctor.disk import Room, judge
from appliance.doctor.finding import Level
from tests.unit.doctor.conftest import MakePatient
from tests.unit.support import unprivileged

GIB = 1024**3


@pytest.mark.parametrize(
    ("room", "needed", "level", "said"),
    [
        (Room(100 * GIB, 1.0), GIB, Level.OK, "100.0 GiB left"),
        (Room(100 * 1024**2, 1.0), 0, Level.PROBLEM, "100 MiB left"),
        (Room(GIB // 2, 1.0), 0, Level.WARNING, "512 MiB left"),
        (Room(3 * GIB, 1.0), 4 * GIB, Level.WARNING, "up to 4.0 GiB"),
        (Room(100 * GIB, 0.03), 0, Level.WARNING, "3.0% of its inodes"),
        (Room(100 * GIB, 0.001), 0, Level.PROBLEM, "0.1% of its inodes"),
    ],
)
def test_thresholds(room: Room, needed: int, level: Level, said: str) -> None:
    finding = judge("the disk", room, needed)
    assert finding.level is level
    assert said in finding.what
    assert bool(finding.remedy) is (level is not Level.OK)


def test_a_real_disk_has_some_room(tmp_path: Path) -> None:
    found = disk.room(tmp_path)
    assert found.free > 0
    assert 0 <= found.inodes <= 1


def test_the_backups_directory_must_be_there(make_patient: MakePatient, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    patient = make_patient(backup_target=str(target))
    assert "is not there" in list(disk.look(patient))[-1].what
    target.mkdir()
    # On the same disk it needs no line of its own.
    assert len(list(disk.look(patient))) == 1


def test_the_backups_directory_must_be_writable(
    make_patient: MakePatient, public_dir: Path
) -> None:
    patient = make_patient(backup_target=str(public_dir))
    patient.layout.data.chmod(0o755)
    for parent in patient.layout.data.parents:
        # Pytest's own are closed to all but their owner.
        if parent.name.startswith(("pytest-", "popen-", "test_")):
            parent.chmod(0o755)
    public_dir.chmod(0o555)
    what = unprivileged(lambda: list(disk.look(patient))[-1].what)
    assert "cannot write backups" in what


def test_a_bucket_is_no_disk(make_patient: MakePatient) -> None:
    assert len(list(disk.look(make_patient(backup_target="s3://bucket/prefix")))) == 1


def test_the_size_of_a_database_counts(make_patient: MakePatient) -> None:
    patient = make_patient()
    cluster = patient.layout.postgres_data / "base"
    cluster.mkdir(parents=True)
    # Larger than any disk, and taking no room.
    with (cluster / "16384").open("wb") as file:
        file.truncate(2**43)
    (finding,) = disk.look(patient)
    assert "a copy of the database" in finding.what
