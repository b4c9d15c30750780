from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from appliance.deployer import attended
from appliance.deployer.git.command import Git, reason
from appliance.errors import WorldError

URL = "https://git.example.org/team/flows.git"


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ("git@h: Permission denied (publickey).\nfatal: Could not read", "ZOE_GIT_SSH_KEY_FILE"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "ZOE_GIT_KNOWN_HOSTS_FILE"),
        ("Host key verification failed.\nfatal: x", "ZOE_GIT_KNOWN_HOSTS_FILE"),
        ("fatal: could not read Username for 'https://h': terminal", "ZOE_GIT_TOKEN_FILE"),
        ("fatal: unable to access 'x': The requested URL returned error: 403", "ZOE_GIT_TOKEN"),
        ("server certificate verification failed. CAfile: none", "ZOE_GIT_CA_FILE"),
        ("remote: Not Found\nfatal: repository 'x' not found", f"there is no {URL}"),
        ("fatal: Could not resolve host: git.example.org", "there is no host git.example.org"),
        ("ssh: connect to host h port 22: Connection timed out", "does not answer"),
        ("fatal: something new\nsome advice", f"cannot fetch {URL}: something new"),
        ("", "no word"),
    ],
)
def test_reasons(errors: str, words: str) -> None:
    assert words in reason(errors, URL, "git.example.org")


def fake(tmp_path: Path, script: str, path: str = "") -> Git:
    """Return a git that is something else, or is not there."""
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    path = path or f"{tmp_path}:{os.environ['PATH']}"
    environment = {"PATH": path, "GIT_ALLOW_PROTOCOL": "https"}
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    return Git(environment, URL, "git.example.org", lambda: None, lock)


def test_one_that_hangs_is_ended_with_all_its_helpers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attended, "BEAT_SECONDS", 0.05)
    git = fake(tmp_path, f"sleep 600 & echo $! > {tmp_path}/helper; sleep 600")
    began = time.monotonic()
    with pytest.raises(WorldError, match="not fetched within 1 s"):
        git.run("fetch", seconds=1, directory=tmp_path / "repository.git")
    assert time.monotonic() - began < 60
    helper = int((tmp_path / "helper").read_text())
    status = Path(f"/proc/{helper}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_without_git(tmp_path: Path) -> None:
    git = fake(tmp_path, "", path=str(tmp_path / "nothing"))
    with pytest.raises(WorldError, match="there is no git on this machine; install git"):
        git.run("fetch", seconds=1, directory=tmp_path / "repository.git")
