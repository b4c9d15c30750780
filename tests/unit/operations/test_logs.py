"""`zoe logs` on files that the real stream writes, rotations and all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.operations.logs import coming_lines, logs
from appliance.supervisor import stream as streams
from appliance.supervisor.stream import LogFile, Stream
from tests.unit.support import wait_until


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(streams, "MAX_FILE_BYTES", 200)
    found = Layout(tmp_path).log_file
    found.parent.mkdir()
    return found


@pytest.fixture
def stream(path: Path) -> Iterator[Stream]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    yield Stream(nowhere, LogFile(path))
    os.close(nowhere)


def wait_for_text(path: Path, text: str) -> None:
    wait_until(lambda: text in path.read_text(), f"{path} holds {text!r}")


def shown(capsys: pytest.CaptureFixture[str], program: str | None, lines: int) -> list[str]:
    assert logs(program=program, follow=False, lines=lines) == 0
    return capsys.readouterr().out.split("\n")[:-1]


def test_past_lines_across_rotated_files(
    stream: Stream, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        stream.feed("server" if number % 3 else "worker", f"line {number}\n".encode())
    assert path.with_name("zoe.log.2").exists()
    assert shown(capsys, None, 3) == [
        "worker     | line 27",
        "server     | line 28",
        "server     | line 29",
    ]
    assert [line.split()[-1] for line in shown(capsys, "worker", 4)] == ["18", "21", "24", "27"]
    assert len(shown(capsys, None, 1000)) == 30
    assert shown(capsys, None, 0) == []
    assert shown(capsys, "deployer", 10) == []


def test_a_program_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(OperatorError, match="there is no program nobody; name one of database"):
        logs(program="nobody", follow=False, lines=1)


def test_line_with_a_carriage_return_stays_one_line_of_its_program(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    # Progress bars, and characters that Python alone takes for the end of a line.
    stream.feed("worker", "10%\r20%\r30%\nform\x0cfeed\u2028end\n".encode())
    assert shown(capsys, "worker", 1) == ["worker     | form\x0cfeed\u2028end"]
    assert shown(capsys, "worker", 9)[0] == "worker     | 10%\r20%\r30%"


def test_no_log_yet(path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no log yet") as caught:
        logs(program=None, follow=False, lines=1)
    assert str(path) in caught.value.line()
    assert "zoe run" in caught.value.line()


def test_follow_loses_nothing_across_rotations(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_FILE_BYTES", 100)
    stream.feed("server", b"old\npast\n")
    output = tmp_path / "followed"
    with output.open("wb") as file:
        follower = subprocess.Popen(
            [sys.executable, "-m", "appliance", "logs", "-f", "-n", "1", "server"],
            stdout=file,
            stderr=subprocess.PIPE,
        )
    try:
        wait_for_text(output, "past")
        expected = ["past"]
        for number in range(6):
            # Bursts, each of which may end in another file than it began in.
            stream.feed("server", f"new {number}a\n".encode())
            stream.feed("worker", b"of no interest\n")
            stream.feed("server", f"new {number}b\n".encode())
            expected += [f"new {number}a", f"new {number}b"]
            wait_for_text(output, expected[-1])
    finally:
        follower.terminate()
        _, errors = follower.communicate()
    assert [line.partition(" | ")[2] for line in output.read_text().splitlines()] == expected
    assert errors == b""
    assert (tmp_path / "logs/zoe.log.3").exists()


class RotatedMeanwhile(io.FileIO):
    """A log that is written to and rotated right after a read that found nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path
        self._rotated = False

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size)
        if not data and not self._rotated:
            self._rotated = True
            with self._path.open("ab") as writer:
                writer.write(b"two\n")
            self._path.rename(self._path.with_name("zoe.log.1"))
            self._path.write_bytes(b"three\n")
        return data


def test_what_is_written_between_the_last_read_and_a_rotation_is_followed(path: Path) -> None:
    # The moment is too short to be met by chance.
    path.write_bytes(b"one\n")
    coming = coming_lines(path, cast("BinaryIO", RotatedMeanwhile(path)))
    assert [next(coming) for _ in range(3)] == ["one\n", "two\n", "three\n"]
    coming.close()
