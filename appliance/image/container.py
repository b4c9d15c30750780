"""The container that `make up` keeps: what it is started with, and whether that has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.errors import OperatorError

NAME = "zoe"
VOLUME = "zoe-data"
INNER_PORT = 4200
DIGEST_LABEL = "zoe.started-with"

# They belong to the image, or to this command line.
NOT_HANDED_ON = frozenset({"ZOE_CONFIG", "ZOE_DATA_DIR", "ZOE_PORT", "ZOE_RUNTIME_DIR"})

# Docker waits so much longer than Zoe's own grace before it kills.
STOP_RESERVE_SECONDS = 1
DEFAULT_STOP_GRACE = 9


@dataclass(frozen=True)
class Wanted:
    """How the container is to run.

    Attributes:
        image_id: The very image, not its name.
        port: The port on this machine.
        variables: Settings from the caller's environment, handed on by name.
        stop_seconds: Docker's patience.
    """

    image_id: str
    port: int
    variables: Mapping[str, str]
    stop_seconds: int

    def digest(self) -> str:
        """Return what differs once the container must be made anew."""
        parts = [self.image_id, self.port, sorted(self.variables.items()), self.stop_seconds]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def run_command(self) -> list[str]:
        """Return the `docker run` command; values of settings are not in it.

        Hardened as far as Docker goes: the image needs none of what is taken away.
        """
        return [
            "docker",
            "run",
            "--detach",
            f"--name={NAME}",
            f"--label={DIGEST_LABEL}={self.digest()}",
            f"--publish={self.port}:{INNER_PORT}",
            f"--volume={VOLUME}:/data",
            "--restart=unless-stopped",
            f"--stop-timeout={self.stop_seconds}",
            "--read-only",
            "--tmpfs=/tmp",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            *(f"--env={name}" for name in sorted(self.variables)),
            self.image_id,
        ]


def wanted(image_id: str, environ: Mapping[str, str]) -> Wanted:
    """Return what the caller's environment asks for.

    Raises:
        OperatorError: `ZOE_PORT` or `ZOE_STOP_GRACE` is not a number.
    """
    variables = {
        name: value
        for name, value in environ.items()
        if name.startswith("ZOE_") and name not in NOT_HANDED_ON
    }
    grace = _number(environ, "ZOE_STOP_GRACE", DEFAULT_STOP_GRACE)
    return Wanted(
        image_id=image_id,
        port=_number(environ, "ZOE_PORT", INNER_PORT),
        variables=variables,
        stop_seconds=grace + STOP_RESERVE_SECONDS,
    )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise OperatorError(
            f"{name} '{text}' is not a whole number", where="environment", remedy="give one"
        )
    return int(text)
