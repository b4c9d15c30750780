"""A data volume of a few megabytes that can be filled to the brim and emptied again."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.container import IMAGE, docker

_FILLER = "/data/filler"


@dataclass(frozen=True)
class SmallDisk:
    """A volume in memory.

    Attributes:
        volume: Its name.
        keeper: The container that keeps it from vanishing while no other uses it.
    """

    volume: str
    keeper: str

    def fill(self, *, leave_kilobytes: int = 0) -> None:
        """Use up all space but so much."""
        self._run(
            f"dd if=/dev/zero of={_FILLER} bs=4k 2>/dev/null; "
            f"truncate --size=-{leave_kilobytes}K {_FILLER}"
        )

    def free(self) -> None:
        """Give back what `fill` took."""
        self._run(f"rm -f {_FILLER}")

    def used_kilobytes(self) -> int:
        """Return how much of it is in use."""
        return int(self._run("df --output=used /data | tail -1"))

    def _run(self, script: str) -> str:
        return docker("exec", self.keeper, "sh", "-c", script).stdout


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Make a volume of so many megabytes; remove it afterwards."""
    name = f"zoe-test-{uuid.uuid4().hex[:12]}"
    options = ("type=tmpfs", "device=tmpfs", f"o=size={megabytes}m,mode=1777")
    docker("volume", "create", *(f"--opt={option}" for option in options), name)
    try:
        docker(
            "run",
            "--detach",
            f"--name={name}",
            f"--volume={name}:/data",
            "--no-healthcheck",
            "--entrypoint=sleep",
            IMAGE,
            "infinity",
        )
        yield SmallDisk(name, name)
    finally:
        docker("rm", "--force", name, check=False)
        docker("volume", "rm", "--force", name, check=False)
