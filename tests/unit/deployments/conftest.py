"""What the tests of the deployments share: a git repository of the project."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


def git(*arguments: str, cwd: Path) -> None:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


def commit_all(repository: Path) -> None:
    git("add", "--all", cwd=repository)
    git("commit", "--quiet", "--message", "As it is", cwd=repository)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with the flows and deployments as they are in the working tree."""
    path = tmp_path / "project"
    for folder in ("flows", "deployments"):
        shutil.copytree(
            PROJECT / folder, path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    git("init", "--quiet", "--initial-branch", "main", cwd=path)
    commit_all(path)
    return path
