"""The verb `down`: stop and remove the container; its volume, and so all data, stays."""

from __future__ import annotations

from appliance.image import docker
from appliance.image.console import say
from appliance.image.container import NAME, VOLUME

STOP_SECONDS = 3600


def down() -> None:
    """Stop the container as `docker stop` does, and remove it; without one, say so.

    Raises:
        OperatorError: Docker cannot be reached.
    """
    docker.require_daemon()
    if docker.command("container", "inspect", NAME).returncode:
        say(f"there is no container {NAME}")
        return
    docker.command("stop", NAME, limit=STOP_SECONDS)
    docker.command("rm", "--force", NAME)
    say(f"stopped and removed the container {NAME}; the data stays in the volume {VOLUME}")
