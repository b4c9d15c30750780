from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import OperatorError
from appliance.image import docker
from appliance.image.build import REPOSITORY, build_command

# What `python3` alone offers on a fresh machine: no site-packages, no environment variables.
PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import pkgutil, appliance.image
for module in pkgutil.iter_modules(appliance.image.__path__):
    __import__(f"appliance.image.{module.name}")
foreign = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(sorted(foreign - {"appliance", "__main__"}))
"""


def test_the_package_runs_on_the_standard_library_alone() -> None:
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "[]"


def test_proxies_are_handed_on_by_name_so_that_no_listing_shows_them() -> None:
    command = build_command(
        "zoe",
        Path("/w/context"),
        {"https_proxy": "http://u:secret@proxy.example:3128", "NO_PROXY": "", "HOME": "/root"},
        host_network=False,
    )
    assert command[-3:] == ["--build-arg", "https_proxy", "/w/context"]
    assert "secret" not in " ".join(command)
    assert "--network=host" not in command


def test_a_proxy_on_this_machine_is_reached_over_its_network() -> None:
    command = build_command(
        "zoe", Path("c"), {"HTTP_PROXY": "http://127.0.0.1:3128"}, host_network=False
    )
    assert "--network=host" in command


def test_a_machine_without_docker_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="not on PATH; install Docker"):
        docker.require_daemon()


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "permission denied while trying to connect to the Docker daemon socket",
            'add the user to the group "docker"',
        ),
        ("Cannot connect to the Docker daemon. Is it running?", "systemctl start docker"),
        ("", "no reason given"),
    ],
)
def test_a_daemon_out_of_reach_says_what_to_do(stderr: str, words: str) -> None:
    error = docker.daemon_error(stderr)
    assert isinstance(error, OperatorError)
    assert words in error.line()


def test_an_image_that_still_has_a_name_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(*arguments: str) -> subprocess.CompletedProcess[str]:
        asked.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, stdout="1\n", stderr="")

    monkeypatch.setattr(docker, "command", answer)
    docker.forget("sha256:1")
    assert [words[1] for words in asked] == ["inspect"]
