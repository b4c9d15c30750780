"""A directory as target: real files, whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.backup.target import DirectoryTarget
from appliance.errors import WorldError

OLD, NEW = "zoe-20261101T030000Z.tar.gz", "zoe-20261102T030000Z.tar.gz.enc"


@pytest.fixture
def target(tmp_path: Path) -> DirectoryTarget:
    return DirectoryTarget(tmp_path / "backups")


def put(target: DirectoryTarget, name: str, content: bytes = b"content") -> None:
    made = target.staging / ".partial" / name
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(content)
    target.put(made)


def test_what_is_put_is_there_oldest_first(target: DirectoryTarget, tmp_path: Path) -> None:
    assert target.stored() == []
    put(target, NEW, b"newer")
    put(target, OLD)
    (tmp_path / "backups" / "notes.txt").touch()
    (tmp_path / "backups" / OLD.replace("01T", "03T")).mkdir()
    assert [(str(stored.name), stored.size) for stored in target.stored()] == [(OLD, 7), (NEW, 5)]
    with target.open(NEW) as source:
        assert source.read() == b"newer"
    target.delete(OLD)
    target.delete(OLD)
    assert [str(stored.name) for stored in target.stored()] == [NEW]
    assert (tmp_path / "backups" / "notes.txt").exists()


def test_a_directory_that_cannot_be_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = DirectoryTarget(tmp_path / "file" / "backups")
    with pytest.raises(WorldError, match="Not a directory") as caught:
        _ = target.staging
    assert caught.value.line() == (
        f"the backup target cannot be used: {tmp_path}/file/backups: Not a directory "
        f"(ZOE_BACKUP_TARGET); let uid {os.getuid()} use it and give it space, or name another"
    )


def test_an_archive_that_is_gone_is_said_in_words(target: DirectoryTarget) -> None:
    with pytest.raises(WorldError, match="No such file"), target.open(OLD):
        pass
