"""Whose number stands in the lock of a cluster, by real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.database import stale_lock
from tests.support.container import eventually


@contextmanager
def process(directory: Path) -> Iterator[int]:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE) as found:
        eventually(lambda: Path(f"/proc/{found.pid}/cwd").resolve() == directory)
        yield found.pid
        found.communicate(b"\n")


def locked(data: Path, first_line: str) -> Path:
    lock = data / stale_lock.LOCK
    lock.write_text(f"{first_line}\n{data}\n1700000000\n5432\n")
    return lock


def test_without_a_lock_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert not stale_lock.remove(tmp_path)


def test_the_lock_of_a_server_that_runs_stays(tmp_path: Path) -> None:
    with process(tmp_path) as pid:
        lock = locked(tmp_path, str(pid))
        assert not stale_lock.remove(tmp_path)
    assert lock.exists()


def test_a_lock_with_the_number_of_another_program_goes(tmp_path: Path) -> None:
    lock = locked(tmp_path, str(os.getpid()))
    assert stale_lock.remove(tmp_path)
    assert not lock.exists()


# A number that is no process', and what a crash may leave of the file.
@pytest.mark.parametrize("first_line", ["4194305", "", "\0\0\0", "²"])
def test_a_lock_of_nobody_goes(tmp_path: Path, first_line: str) -> None:
    lock = tmp_path / stale_lock.LOCK
    lock.write_text(f"{first_line}\n", encoding="utf-8")
    assert stale_lock.remove(tmp_path)
    assert not lock.exists()
