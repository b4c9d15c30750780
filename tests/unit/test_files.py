from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from appliance.files import (
    make_private_dir,
    read_json,
    sync_file_system,
    write_atomically,
    write_json,
)


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize(
    ("content", "bytes_"), [("grün", b"gr\xc3\xbcn"), (b"\x00\xff", b"\x00\xff")]
)
def test_replaced_for_its_owner_only(
    tmp_path: Path, content: str | bytes, bytes_: bytes, durable: bool
) -> None:
    path = tmp_path / "file"
    path.write_text("something longer that was there before")
    path.chmod(0o644)
    write_atomically(path, content, durable=durable)
    assert path.read_bytes() == bytes_
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_reader_sees_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    size = 200_000
    write_atomically(path, b"0" * size)
    done = threading.Event()

    def write() -> None:
        for number in range(50):
            write_atomically(path, str(number % 10).encode() * size)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    looks = 0
    while not done.is_set() or not looks:
        seen = path.read_bytes()
        assert len(seen) == size
        assert len(set(seen)) == 1
        looks += 1
    writer.join()


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    # A directory cannot be replaced by a file.
    path = tmp_path / "taken"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write_atomically(path, "x")
    assert list(tmp_path.iterdir()) == [path]


def test_private_dir(tmp_path: Path) -> None:
    made = tmp_path / "a" / "b"
    make_private_dir(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    make_private_dir(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o755


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"a": [1, None, "ü"]}
    write_json(tmp_path / "r", value)
    assert read_json(tmp_path / "r") == value


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe"])
def test_what_is_no_report(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r"
    assert read_json(path) is None
    path.write_bytes(content)
    assert read_json(path) is None


def test_a_file_system_is_synced_or_that_is_said(tmp_path: Path) -> None:
    sync_file_system(tmp_path)
    with pytest.raises(OSError, match="absent"):
        sync_file_system(tmp_path / "absent")
