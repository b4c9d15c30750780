from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from appliance.bundle import installer
from appliance.bundle.installer import RefusalError

NAME = "0.1.0-abc-cp313-x86_64"
MANIFEST = {
    "name": NAME,
    "python": [3, 13],
    "machine": "x86_64",
    "glibc": [2, 34],
}


def test_a_host_that_fits_is_taken() -> None:
    installer.check(MANIFEST, (3, 13), "x86_64", (2, 34))
    installer.check(MANIFEST, (3, 13), "x86_64", (2, 41))


@pytest.mark.parametrize(
    ("python", "machine", "libc", "words"),
    [
        ((3, 11), "x86_64", (2, 36), "for Python 3.13, and this is 3.11; make one with --python"),
        ((3, 13), "aarch64", (2, 41), "for x86_64, and this machine is aarch64; make one"),
        ((3, 13), "x86_64", (2, 31), "needs glibc 2.34, and here is glibc 2.31"),
        ((3, 13), "x86_64", (), "here is no glibc"),
    ],
)
def test_a_host_that_does_not_fit_is_refused(
    python: tuple[int, ...], machine: str, libc: tuple[int, ...], words: str
) -> None:
    with pytest.raises(RefusalError, match=words) as caught:
        installer.check(MANIFEST, python, machine, libc)
    assert caught.value.exit_code == installer.USAGE_EXIT_CODE


def bundle(path: Path, python: tuple[int, ...]) -> Path:
    """Write a bundle without wheels, but with the real installer."""
    with zipfile.ZipFile(path, "w") as out:
        out.write(installer.__file__, "__main__.py")
        manifest = {**MANIFEST, "python": python, "machine": os.uname().machine, "glibc": [2, 0]}
        out.writestr("manifest.json", json.dumps(manifest))
        out.writestr("requirements.lock", "")
        out.writestr("project/flows/hello.py", "")
    return path


def started(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, path, *words], capture_output=True, text=True, check=False
    )


def test_it_runs_as_a_file_and_refuses_in_one_line(tmp_path: Path) -> None:
    done = started(bundle(tmp_path / "zoe.pyz", (3, 99)), "check")
    assert done.returncode == installer.USAGE_EXIT_CODE
    assert done.stderr.startswith("zoe.pyz: it is for Python 3.99")
    assert done.stderr.count("\n") == 1
    assert started(bundle(tmp_path / "zoe.pyz", sys.version_info[:2]), "check").returncode == 0


def test_a_version_that_is_whole_is_left_alone_and_half_of_one_is_not(tmp_path: Path) -> None:
    path = bundle(tmp_path / "zoe.pyz", sys.version_info[:2])
    me = pwd.getpwuid(os.getuid()).pw_name
    home = tmp_path / "root" / "versions" / NAME
    home.mkdir(parents=True)
    (home / "half").touch()
    # There is no uv among its wheels.
    assert started(path, "install", "--user", me, str(tmp_path / "root")).returncode == 1
    assert not (home / "half").exists()
    assert not (home / installer.MARK).exists()
    home.mkdir(parents=True, exist_ok=True)
    (home / installer.MARK).touch()
    assert started(path, "install", "--user", me, str(tmp_path / "root")).returncode == 0
    assert list(home.iterdir()) == [home / installer.MARK]


def test_a_step_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="failed: no room left"):
        installer.run(["sh", "-c", "echo no room left >&2; exit 3"], tmp_path)


def test_steps_get_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "https://example.org")
    monkeypatch.setenv("ZOE_PORT", "1")
    installer.run(["sh", "-c", "env > out"], tmp_path)
    names = {line.partition("=")[0] for line in (tmp_path / "out").read_text().splitlines()}
    assert not names & {"UV_INDEX_URL", "ZOE_PORT"}
