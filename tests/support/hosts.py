"""Machines to install on: containers of a plain Debian with Python, and nothing of Zoe.

    python3 -m tests.support.hosts trixie

makes the image `zoe-ansible-host:trixie`, unless it is there;

    python3 -m tests.support.hosts --secrets DIRECTORY SERVER

a password, and a certificate for the name of a server.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.errors import ZoeError
from appliance.image import base, docker

REPOSITORY = Path(__file__).parents[2]
# What Debian's own installer gives a machine, and `ps` for those who look.
PACKAGES = ("init-system-helpers", "procps", "python3", "sysvinit-utils", "tzdata")


def ensure(release: str) -> None:
    """Make sure that there is an image of a release to make hosts of."""
    name = f"zoe-ansible-host:{release}"
    if docker.image_id(name) is None:
        work = REPOSITORY / ".build"
        work.mkdir(exist_ok=True)
        base.make(work, name, release=release, packages=PACKAGES)


def write_secrets(directory: Path, server: str) -> None:
    """Write `password`, `server.crt` and `server.key`."""
    # Whoever only makes images need not have it.
    from tests.support import certificates  # noqa: PLC0415

    certificates.write(directory, "server", host=server)
    (directory / "password").write_text(secrets.token_urlsafe(24), encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """Carry out the command line; return the exit code."""
    try:
        if words[0] == "--secrets":
            write_secrets(Path(words[1]), words[2])
        else:
            for release in words:
                ensure(release)
    except ZoeError as error:
        sys.stderr.write(f"{error.line()}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
