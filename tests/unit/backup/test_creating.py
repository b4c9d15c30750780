"""Whole backups of a small data directory, and what a failure leaves."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import credentials
from appliance.backup import archive, creating
from appliance.backup.choosing import target_of
from appliance.backup.scratch import PREFIX
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout
from appliance.maintenance import outcome
from tests.unit.backup.databases import REVISION, make_database
from tests.unit.backup.s3_server import bucket_settings, s3_server
from tests.unit.support import make_settings


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    layout = Layout(tmp_path / "data")
    layout.data.mkdir()
    credentials.ensure(make_settings(), layout)
    make_database(layout.sqlite_file)
    return layout


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    with s3_server(tmp_path / "s3.log") as url:
        yield url


def there(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def last(layout: Layout) -> outcome.Outcome:
    found = outcome.read(layout, "backup")
    assert found
    return found


def test_a_backup_is_whole_and_on_record(layout: Layout) -> None:
    said: list[str] = []
    made = creating.create(make_settings(), layout, say=said.append)
    path = layout.backups / made.name
    assert str(made) == str(path)
    assert made.size == path.stat().st_size
    with path.open("rb") as file:
        assert archive.verify(file, made.name, None) == made.manifest
    assert made.manifest.engine == "sqlite"
    assert made.manifest.revision == REVISION
    assert made.manifest.tables == {"flow_run": 3, "log": 3}
    assert {"database/prefect.db", "secrets/encryption_key"} <= made.manifest.files.keys()
    assert there(layout.backups) == [made.name]
    assert said[0] == "copying the database"
    assert last(layout).ok
    assert last(layout).details["archive"] == made.name
    assert str(path) in last(layout).line


def test_as_many_as_are_wanted_are_kept(layout: Layout, tmp_path: Path) -> None:
    settings = make_settings(backup_keep=2, backup_target=str(tmp_path / "b"))
    labelled = creating.create(settings, layout, label="before-migration")
    assert outcome.read(layout, "backup") is None
    made = [creating.create(settings, layout).name for _ in range(3)]
    assert there(tmp_path / "b") == sorted([labelled.name, *made[1:]])
    assert last(layout).details["removed"] == [made[0]]


def test_encrypted_into_a_bucket(layout: Layout, s3: str) -> None:
    settings = bucket_settings(s3, backup_passphrase="correct horse", backup_keep=1)
    first, second = (creating.create(settings, layout) for _ in range(2))
    target = target_of(settings, layout)
    assert [str(stored.name) for stored in target.stored()] == [second.name]
    assert first.name.endswith(".tar.gz.enc")
    with target.open(second.name) as source:
        assert archive.verify(source, second.name, "correct horse") == second.manifest
    assert there(layout.backups) == []


def fail(layout: Layout, kind: type[Exception], words: str, **values: Any) -> str:
    """Expect a failure that is on record, leaves what was there and leaves nothing half."""
    kept = make_settings()
    before = creating.create(kept, layout).name
    with pytest.raises(kind, match=words) as caught:
        creating.create(make_settings(**values), layout)
    assert there(layout.backups) == [before]
    assert not last(layout).ok
    line = last(layout).line
    assert line == str(caught.value)
    creating.create(kept, layout)
    assert last(layout).ok
    return line


def test_a_target_that_cannot_be_used(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = fail(layout, WorldError, "Not a directory", backup_target=str(tmp_path / "file" / "b"))
    assert "ZOE_BACKUP_TARGET" in line


def test_a_disk_without_space(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(layout.data).free
    monkeypatch.setattr(creating, "RESERVE_BYTES", 2 * free)
    before = there(layout.data)
    with pytest.raises(WorldError, match=r"a backup needs about .* MB are free on the disk of"):
        creating.create(make_settings(), layout)
    assert there(layout.backups) == []
    assert set(there(layout.data)) - set(before) == {"backups", "maintenance"}


def test_a_disk_that_fills_up_meanwhile(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = creating.create(make_settings(), layout)

    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "write", full)
    with pytest.raises(WorldError, match=r"no backup could be made in .*: No space left on device"):
        creating.create(make_settings(), layout)
    assert there(layout.backups) == [kept.name]


def test_a_damaged_database(layout: Layout) -> None:
    layout.sqlite_file.write_bytes(b"no database" * 1000)
    with pytest.raises(WorldError, match="cannot be copied"):
        creating.create(make_settings(), layout)
    assert there(layout.backups) == []
    assert "zoe restore" in last(layout).line


def test_one_at_a_time(layout: Layout) -> None:
    made = creating.create(make_settings(), layout)
    with (layout.maintenance / "backup.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OperatorError, match="another backup is being made"):
            creating.create(make_settings(), layout)
    # That one is no failure of backups.
    assert last(layout).ok
    assert there(layout.backups) == [made.name]


def test_what_a_death_left_is_removed(layout: Layout) -> None:
    half = layout.backups / f"{PREFIX}dead"
    half.mkdir(parents=True)
    (half / "x").touch()
    made = creating.create(make_settings(), layout)
    assert there(layout.backups) == [made.name]


KILL = """
import os, signal, sys
from pathlib import Path
from appliance.backup import creating
from appliance.layout import Layout
from appliance.settings import load

def say(line):
    if line.startswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

settings = load().settings
creating.create(settings, Layout(settings.data_dir), say=say)
"""


@pytest.mark.parametrize("stage", ["copying secrets", "packing", "storing"])
def test_a_kill_leaves_what_was_there(layout: Layout, stage: str) -> None:
    before = creating.create(make_settings(), layout)
    killed = subprocess.run(
        [sys.executable, "-c", KILL, stage],
        check=False,
        env={**os.environ, "ZOE_DATA_DIR": str(layout.data)},
        cwd=Path.cwd(),
    )
    assert killed.returncode == -signal.SIGKILL
    half = [name for name in there(layout.backups) if name.startswith(PREFIX)]
    assert len(half) == 1
    after = creating.create(make_settings(), layout)
    assert there(layout.backups) == [before.name, after.name]
    assert last(layout).ok


def test_nothing_is_taken_that_is_half_the_one_and_half_the_other(layout: Layout) -> None:
    layout.exchange_journal.write_text("{}")
    with pytest.raises(WorldError, match=r"a restore is putting other data .*start Zoe"):
        creating.create(make_settings(), layout)
    layout.exchange_journal.unlink()

    def begin(line: str) -> None:
        if line == "copying secrets, settings and results":
            layout.exchange_journal.write_text("{}")

    with pytest.raises(WorldError, match="a restore is putting other data"):
        creating.create(make_settings(), layout, say=begin)
    assert there(layout.backups) == []
