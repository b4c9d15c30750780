"""Whole, prefixed lines on a real descriptor and in a real file, whatever the chunks are like."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.supervisor import stream as streams
from appliance.supervisor.stream import LogFile, Stream, prefixed, program_of


class Target:
    """A stream whose both ends can be read back."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "zoe.log"
        self._stdout = directory / "stdout"
        self.descriptor = os.open(self._stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.stream = Stream(self.descriptor, LogFile(self.path))

    @property
    def stdout(self) -> str:
        return self._stdout.read_bytes().decode()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    made = Target(tmp_path)
    yield made
    os.close(made.descriptor)


def test_line_goes_to_both_ends(target: Target) -> None:
    target.stream.feed("server", b"hello\nworld\n")
    assert target.stdout == "server     | hello\nserver     | world\n"
    assert target.path.read_text() == target.stdout


def test_partial_lines_wait_for_their_end(target: Target) -> None:
    for chunk in (b"he", b"llo", b"", b" wor"):
        target.stream.feed("server", chunk)
    assert target.stdout == ""
    target.stream.feed("server", b"ld\nnext")
    assert target.stdout == "server     | hello world\n"


def test_programs_do_not_mix_in_one_line(target: Target) -> None:
    target.stream.feed("server", b"half of the ser")
    target.stream.feed("worker", b"work\n")
    target.stream.feed("server", b"ver's\n")
    assert target.stdout == "worker     | work\nserver     | half of the server's\n"


def test_flush_writes_what_a_program_left_unfinished(target: Target) -> None:
    target.stream.feed("server", b"last words")
    target.stream.flush("worker")
    assert target.stdout == ""
    target.stream.flush("server")
    target.stream.flush("server")
    assert target.stdout == "server     | last words\n"


def test_character_split_between_chunks_stays_whole(target: Target) -> None:
    for byte in "grün ✓\n".encode():
        target.stream.feed("server", bytes([byte]))
    assert target.stdout == "server     | grün ✓\n"


def test_undecodable_bytes_are_marked_and_nothing_else_is_lost(target: Target) -> None:
    target.stream.feed("server", b"a\xff\xfeb\nnext\n")
    assert target.stdout == "server     | a��b\nserver     | next\n"


def test_windows_line_end_is_removed(target: Target) -> None:
    target.stream.feed("server", b"one\r\ntwo\rthree\n")
    assert target.stdout == "server     | one\nserver     | two\rthree\n"


@pytest.mark.parametrize("ended", [True, False], ids=["in one chunk", "without an end"])
def test_long_line_is_cut_but_complete(target: Target, ended: bool) -> None:
    line = "é✓" * 60_000
    data = line.encode()
    target.stream.feed("server", data + b"\n" if ended else data)
    target.stream.flush("server")
    pieces = [text.removeprefix("server     | ") for text in target.stdout.split("\n")]
    assert "".join(pieces) == line
    assert max(len(piece.encode()) for piece in pieces) <= streams.MAX_LINE_BYTES
    assert len(pieces) > 2


def test_endless_line_does_not_fill_the_memory(target: Target) -> None:
    for _ in range(4):
        target.stream.feed("server", b"x" * streams.MAX_LINE_BYTES)
    assert target.stdout.count("\n") == 3


def test_last_line_prefers_the_exception_to_the_farewell(target: Target) -> None:
    target.stream.feed("server", b"sqlalchemy.exc.DatabaseError: file is not a database\nBye.\n")
    assert target.stream.last_line("server").endswith("file is not a database")
    target.stream.forget("server")
    assert target.stream.last_line("server") == ""


def test_last_line_is_the_last_with_text(target: Target) -> None:
    target.stream.feed("server", b"the cause\n   \n\n")
    target.stream.feed("worker", b"other\n")
    assert target.stream.last_line("server") == "the cause"
    assert target.stream.last_line("nobody") == ""


def test_file_goes_on_when_nobody_reads_stdout(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        stream = Stream(write_end, LogFile(tmp_path / "zoe.log"))
        stream.feed("server", b"still here\n")
    finally:
        os.close(write_end)
    assert (tmp_path / "zoe.log").read_text() == "server     | still here\n"


def test_stdout_goes_on_when_the_disk_takes_nothing(tmp_path: Path) -> None:
    # Linux' device that is always full.
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="space"):
        full.write(b"x")
    read_end, write_end = os.pipe()
    try:
        stream = Stream(write_end, LogFile(Path("/dev/full")))
        stream.feed("server", b"one\n")
        stream = Stream(write_end, LogFile(tmp_path / "not" / "there" / "zoe.log"))
        stream.feed("server", b"two\n")
        assert os.read(read_end, 1000) == b"server     | one\nserver     | two\n"
    finally:
        os.close(read_end)
        os.close(write_end)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(streams, "KEPT_FILES", 2)


@pytest.mark.usefixtures("small_files")
def test_rotation_keeps_whole_chunks_and_the_newest_files(tmp_path: Path) -> None:
    path = tmp_path / "zoe.log"
    file = LogFile(path)
    for number in range(10):
        file.write(f"{number}".encode() * 49 + b"\n")
    kept = [path.with_name("zoe.log.2"), path.with_name("zoe.log.1"), path]
    assert "".join(file.read_text()[0] + file.read_text()[50] for file in kept) == "456789"
    assert sorted(tmp_path.iterdir()) == sorted(kept)


@pytest.mark.usefixtures("small_files")
def test_rotation_counts_what_an_earlier_start_wrote(tmp_path: Path) -> None:
    path = tmp_path / "zoe.log"
    LogFile(path).write(b"a" * 80)
    LogFile(path).write(b"b" * 30)
    assert path.read_bytes() == b"b" * 30
    assert path.with_name("zoe.log.1").read_bytes() == b"a" * 80


@pytest.mark.usefixtures("small_files")
def test_file_that_somebody_removed_returns(tmp_path: Path) -> None:
    path = tmp_path / "zoe.log"
    file = LogFile(path)
    file.write(b"a" * 90)
    path.unlink()
    # The next one would not have fitted.
    file.write(b"b" * 90)
    file.write(b"c" * 90)
    assert path.read_bytes() == b"c" * 90
    assert path.with_name("zoe.log.1").read_bytes() == b"b" * 90


def test_disk_error_costs_one_chunk_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No device fails once and then works, so the failure is made up; the file is real.
    path = tmp_path / "zoe.log"
    file = LogFile(path)
    file.write(b"before\n")
    with monkeypatch.context() as patch:

        def no_space(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(Path, "open", no_space)
        file.write(b"lost\n")
    file.write(b"after\n")
    assert path.read_bytes() == b"before\nafter\n"


@pytest.mark.parametrize("program", ["server", "a-very-long-name"])
def test_program_of_a_line(program: str) -> None:
    assert program_of(prefixed(program, "text | with | bars")) == program
