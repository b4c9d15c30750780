"""The few things that are asked of Docker's command line."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from appliance.errors import OperatorError, WorldError, ZoeError

if TYPE_CHECKING:
    from pathlib import Path

# Generous: a daemon that is unpacking layers for somebody else answers late.
ANSWER_SECONDS = 120


def require_daemon() -> None:
    """Make sure that images can be built here.

    Raises:
        OperatorError: There is no `docker` on PATH, or its daemon does not take our commands.
    """
    if shutil.which("docker") is None:
        raise OperatorError(
            "the command docker is not on PATH",
            remedy="install Docker Engine, or add its directory to PATH",
        )
    answer = command("version", "--format", "{{.Server.Version}}")
    if answer.returncode != 0:
        raise daemon_error(answer.stderr)


def daemon_error(stderr: str) -> ZoeError:
    """Tell from the client's own words why the daemon is out of reach."""
    words = " ".join(stderr.split())
    if "permission denied" in words.lower():
        return OperatorError(
            "this user may not talk to the Docker daemon",
            where="permission denied on its socket",
            remedy='add the user to the group "docker" and log in anew, or use sudo',
        )
    return OperatorError(
        "the Docker daemon cannot be reached",
        where=words or "no reason given",
        remedy="start it (systemctl start docker), or set DOCKER_HOST to where it runs",
    )


def image_id(name: str) -> str | None:
    """Return the id of a local image; None if there is none of that name."""
    answer = command("image", "inspect", "--format", "{{.Id}}", name)
    return answer.stdout.strip() if answer.returncode == 0 else None


def image_size(name: str) -> int:
    """Return the bytes that a local image takes, all layers together."""
    answer = command("image", "inspect", "--format", "{{.Size}}", name)
    if answer.returncode != 0:
        raise WorldError(f"Docker does not know the image {name}", where=answer.stderr.strip())
    return int(answer.stdout)


def pull(name: str, limit: float) -> str | None:
    """Fetch an image from a registry; return None, or why it did not work within `limit` seconds.

    A blocked network drops packets instead of refusing them, hence the limit.
    """
    try:
        answer = subprocess.run(
            ["docker", "pull", "--quiet", name],
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {limit:.0f} s"
    return None if answer.returncode == 0 else " ".join(answer.stderr.split())


def import_tar(archive: Path, name: str, message: str) -> None:
    """Make an image of one layer from an archive of a root file system."""
    answer = subprocess.run(
        ["docker", "import", "--change", 'CMD ["bash"]', "--message", message, archive, name],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise WorldError(
            f"Docker could not import {archive}", where=" ".join(answer.stderr.split())
        )


def forget(image: str) -> None:
    """Remove an image that has lost its last name; one that a container uses stays, silently."""
    names = command("image", "inspect", "--format", "{{len .RepoTags}}", image)
    if names.stdout.strip() == "0":
        command("image", "rm", image)


def command(*arguments: str, limit: float = ANSWER_SECONDS) -> subprocess.CompletedProcess[str]:
    """Run a docker command to its end, whatever that is.

    Args:
        arguments: Its words.
        limit: Seconds it may take.

    Raises:
        WorldError: It took longer.
    """
    try:
        return subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WorldError(
            f"the Docker daemon did not answer within {limit:.0f} s",
            where="docker " + " ".join(arguments[:2]),
            remedy="see what it is busy with, or restart it; then try again",
        ) from error
