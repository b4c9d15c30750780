from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from content_filenames_verification_flow import (
    ARTIFACT_KEY,
    content_filenames_verification_flow,
    find_files,
    readable,
)
from utils.filename_rules import NamingRules

from tests.unit.flows.server_records import artifact


def test_the_files_that_ship_conform(server: str) -> None:
    state = content_filenames_verification_flow(return_state=True)
    assert state.is_completed(), state.message
    rows = json.loads(artifact(server, state, ARTIFACT_KEY)["data"])
    assert len(rows) >= 4
    assert {row["verdict"] for row in rows} == {"ok"}


def test_every_offending_file_is_listed_with_the_rule_that_it_breaks(
    server: str, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    for name in ("good.md", "Bad Name.md", "below/tool.exe", "below/fine.txt"):
        (tmp_path / name).touch()
    state = content_filenames_verification_flow(directory=str(tmp_path), return_state=True)
    assert state.is_failed()
    message = str(state.message)
    assert f"2 of 4 file names in {tmp_path} break the rules" in message
    for line in (
        "- Bad Name.md: pattern:",
        "- Bad Name.md: case:",
        "- below/tool.exe: extensions:",
    ):
        assert line in message
    assert "good.md" not in message
    rows = json.loads(artifact(server, state, ARTIFACT_KEY)["data"])
    assert {row["file"] for row in rows if row["verdict"] != "ok"} == {
        "Bad Name.md",
        "below/tool.exe",
    }
    assert {row["file"] for row in rows if row["verdict"] == "ok"} == {"good.md", "below/fine.txt"}


def test_an_empty_directory_conforms(server: str, tmp_path: Path) -> None:
    state = content_filenames_verification_flow(directory=str(tmp_path), return_state=True)
    assert state.is_completed(), state.message
    assert json.loads(artifact(server, state, ARTIFACT_KEY)["data"]) == []


@pytest.mark.parametrize(
    ("directory", "reason"), [("missing", "does not exist"), (__file__, "is not a directory")]
)
def test_a_missing_directory_is_explained(server: str, directory: str, reason: str) -> None:
    state = content_filenames_verification_flow(directory=directory, return_state=True)
    assert state.is_failed()
    assert reason in str(state.message)
    assert "'directory'" in str(state.message)
    assert server


def test_a_pattern_that_is_none_fails_the_run_with_a_clear_message(server: str) -> None:
    rules = NamingRules(pattern="(")
    state = content_filenames_verification_flow(rules=rules, return_state=True)
    assert state.is_failed()
    assert "'pattern' is not a regular expression: '('" in str(state.message)
    assert server


def test_subdirectories_and_hidden_files_are_a_choice(tmp_path: Path) -> None:
    (tmp_path / ".folder").mkdir()
    (tmp_path / "folder").mkdir()
    for name in ("a", "folder/b", ".c", ".folder/d"):
        (tmp_path / name).touch()

    def found(*, subdirectories: bool, hidden: bool) -> list[str]:
        files = find_files.fn(tmp_path, subdirectories=subdirectories, hidden=hidden)
        return [file.as_posix() for file in files]

    assert found(subdirectories=False, hidden=False) == ["a"]
    assert found(subdirectories=True, hidden=False) == ["a", "folder/b"]
    assert found(subdirectories=False, hidden=True) == [".c", "a"]
    assert found(subdirectories=True, hidden=True) == [".c", ".folder/d", "a", "folder/b"]


def test_a_name_that_is_no_text_can_be_sent_to_the_server() -> None:
    assert readable(Path(os.fsdecode(b"a\xff.md"))) == r"a\udcff.md"
