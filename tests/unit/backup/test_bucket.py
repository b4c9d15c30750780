"""A bucket as target, against a real S3 server on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance.backup import bucket
from appliance.backup.bucket import BucketTarget
from appliance.backup.choosing import target_of
from appliance.errors import WorldError
from appliance.layout import Layout
from tests.unit.backup.s3_server import bucket_settings, s3_server
from tests.unit.support import free_port

OLD, NEW = "zoe-20261101T030000Z.tar.gz", "zoe-20261102T030000Z.tar.gz.enc"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as url:
        yield url


def target_at(url: str, tmp_path: Path, place: str = "s3://backups/zoe") -> BucketTarget:
    target = target_of(bucket_settings(url, place), Layout(tmp_path))
    assert isinstance(target, BucketTarget)
    return target


def put(target: BucketTarget, name: str, content: bytes) -> None:
    made = target.staging / name
    made.write_bytes(content)
    target.put(made)
    assert not made.exists()


def test_what_is_put_is_there_oldest_first(server: str, tmp_path: Path) -> None:
    target = target_at(server, tmp_path, "s3://backups/deep/er")
    assert target.stored() == []
    # More than one part.
    content = secrets.token_bytes(bucket.PART_BYTES + 12_345)
    put(target, NEW, content)
    put(target, OLD, b"old")
    httpx.put(f"{server}/backups/deep/er/notes.txt", content=b"x").raise_for_status()
    assert [(str(stored.name), stored.size) for stored in target.stored()] == [
        (OLD, 3),
        (NEW, len(content)),
    ]
    with target.open(NEW) as source:
        assert source.read(5) == content[:5]
        assert source.read() == content[5:]
        assert source.read(1) == b""
    target.delete(OLD)
    target.delete(OLD)
    assert [str(stored.name) for stored in target.stored()] == [NEW]
    assert "deep/er/notes.txt" in httpx.get(f"{server}/backups?list-type=2").text


def test_a_prefix_keeps_to_itself(server: str, tmp_path: Path) -> None:
    put(target_at(server, tmp_path, "s3://backups/one"), OLD, b"1")
    assert target_at(server, tmp_path, "s3://backups/on").stored() == []
    put(target_at(server, tmp_path, "s3://backups"), NEW, b"2")
    assert [str(s.name) for s in target_at(server, tmp_path, "s3://backups").stored()] == [NEW]


def test_an_archive_that_is_gone_is_said_in_words(server: str, tmp_path: Path) -> None:
    target = target_at(server, tmp_path)
    with pytest.raises(WorldError, match="the bucket cannot be used"), target.open(OLD) as source:
        source.read(1)


def test_a_bucket_that_is_not_there_is_said_in_words(server: str, tmp_path: Path) -> None:
    target = target_at(server, tmp_path, "s3://nobodys")
    with pytest.raises(WorldError) as caught:
        put(target, OLD, b"1")
    line = caught.value.line()
    assert "(ZOE_BACKUP_TARGET s3://nobodys); check its name" in line
    assert "\n" not in line
    assert "a-secret-key" not in line


def test_a_server_that_is_not_there_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "RETRIES", 0)
    with pytest.raises(WorldError, match="the bucket cannot be used"):
        target_at(f"http://127.0.0.1:{free_port()}", tmp_path).stored()
