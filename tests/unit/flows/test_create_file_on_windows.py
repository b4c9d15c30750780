from __future__ import annotations

import platform
from pathlib import Path

import pytest
from create_file_on_windows import (
    WrongSystemError,
    create_file,
    create_file_on_windows,
    require_windows,
)


def test_elsewhere_the_run_fails_and_says_what_it_needs_and_what_it_met(server: str) -> None:
    state = create_file_on_windows(return_state=True)
    assert state.is_failed()
    assert "This flow needs Windows, but it ran on Linux" in str(state.message)
    assert platform.release() in str(state.message)
    assert server


def test_it_is_never_tried_again() -> None:
    assert create_file_on_windows.retries == 0


def test_elsewhere_no_file_is_created(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with pytest.raises(WrongSystemError):
        create_file_on_windows.fn(path=str(path))
    assert not path.exists()


def test_on_windows_the_run_creates_the_file(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("create_file_on_windows.platform.system", lambda: "Windows")
    path = tmp_path / "folder" / "file.txt"
    assert create_file_on_windows(path=str(path), content="schön\n") == str(path)
    assert path.read_text(encoding="utf-8") == "schön\n"
    assert server


def test_windows_is_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    require_windows()


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="'overwrite'"):
        create_file(path, "new", overwrite=False)
    assert path.read_text() == "mine"
    create_file(path, "new", overwrite=True)
    assert path.read_text() == "new"


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(ValueError, match="'path' to an absolute one"):
        create_file(Path("file.txt"), "", overwrite=False)
