"""The verb `build`: base, context, `docker build`."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import appliance
from appliance.image import base, context, docker, pip_settings
from appliance.image.console import complain, megabytes, say, seconds
from appliance.image.progress import Stages, diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_IMAGE = "zoe-prefect"
TAIL_LINES = 25
# Docker hands these on to a build without recording them in the image.
PROXY_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


def build(image: str) -> None:
    """Build the image, with its base where that is missing; quick when nothing changed.

    Args:
        image: The name that the image gets.

    Raises:
        ZoeError: It could not be built; the message says why.
    """
    began = time.monotonic()
    docker.require_daemon()
    work = REPOSITORY / ".build"
    work.mkdir(exist_ok=True)
    with _alone(work / "image.lock"):
        base.ensure(work)
        settings = pip_settings.of_this_host()
        context.stage(REPOSITORY, work / "context", settings, base.host_apt_proxies())
        previous = docker.image_id(image)
        command = build_command(
            image, work / "context", os.environ, host_network=settings.needs_host_network()
        )
        _run(command, work / "image.log")
        if previous and previous != docker.image_id(image):
            docker.forget(previous)
    took = seconds(time.monotonic() - began)
    say(f"image {image}: {megabytes(docker.image_size(image))}, ready after {took}")


def build_command(
    image: str, directory: Path, environ: Mapping[str, str], *, host_network: bool
) -> list[str]:
    """Return the `docker build` command.

    Args:
        image: The name that the image gets.
        directory: The build context.
        environ: The process environment; proxies that it names are handed on.
        host_network: Whether steps see this machine's own addresses.
    """
    command = ["docker", "build", "--tag", image]
    command += ["--build-arg", f"VERSION={appliance.__version__}"]
    for variable in PROXY_VARIABLES:
        for name in (variable, variable.upper()):
            if environ.get(name):
                # Without a value: the client takes it from its environment, and `ps` shows none.
                command += ["--build-arg", name]
                host_network = host_network or pip_settings.is_loopback(environ[name])
    if host_network:
        command.append("--network=host")
    return [*command, str(directory)]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one build at a time use the context."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running here, waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(command: list[str], log: Path) -> None:
    say(f"docker build (log: {log})")
    stages = Stages()
    environment = {**os.environ, "BUILDKIT_PROGRESS": "plain"}
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            output.write(line)
            stages.feed(line)
    stages.end("failed" if process.returncode else "")
    if process.returncode != 0:
        text = log.read_text(encoding="utf-8")
        complain("\n".join(text.splitlines()[-TAIL_LINES:]))
        raise diagnose(text, str(log))
