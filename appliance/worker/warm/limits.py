"""What a flow run may use at most: as its command says it, and in the words of its end.

`zoe-flow-run --limits memory=512000000,cpu=60,open_files=256,nice=10,time=900`

The launcher reads it, so this module imports nothing.
"""

from __future__ import annotations

OPTION = "--limits"
# Bytes; seconds of CPU time; descriptors of each process; the nice value; seconds by the clock.
NAMES = ("memory", "cpu", "open_files", "nice", "time")

_MEGABYTE = 10**6
_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"))
_DECIMAL = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_DURATIONS = ((86400, "d"), (3600, "h"), (60, "min"))


class Limits:
    """The limits of one flow run; None where there is none.

    Memory, CPU time and time are those of the run with all the processes that it has started, and
    the run is stopped when it exceeds one. The others are given to the run's process, which hands
    them down.

    Args:
        given: Numbers by the names in `NAMES`.

    Raises:
        ValueError: A name is unknown, or a number negative.
    """

    def __init__(self, given: dict[str, int]) -> None:
        for name, number in given.items():
            if name not in NAMES or number < 0:
                raise ValueError(f"{name}={number}")
        self._given = {name: given[name] for name in NAMES if name in given}
        self.memory = given.get("memory")
        self.cpu = given.get("cpu")
        self.open_files = given.get("open_files")
        self.nice = given.get("nice")
        self.time = given.get("time")

    @property
    def need_a_watch(self) -> bool:
        """Whether one of them is kept by looking, and not by the kernel alone."""
        return (self.memory, self.cpu, self.time) != (None, None, None)

    def text(self) -> str:
        """Return the word that `parse` reads."""
        return ",".join(f"{name}={number}" for name, number in self._given.items())


def parse(text: str) -> Limits:
    """Return the limits that a word stands for.

    Raises:
        ValueError: It is not of the form above.
    """
    given = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        given[name] = int(number)
    return Limits(given)


def verdict(limits: Limits, memory: int, cpu: float, elapsed: float) -> str | None:
    """Return why a run is to be stopped; None while it keeps its limits.

    Args:
        limits: Its limits.
        memory: The bytes that it holds.
        cpu: The seconds of CPU time that it has used.
        elapsed: The seconds since its start.
    """
    if limits.memory is not None and memory > limits.memory:
        return (
            f"Stopped by Zoe: it used {_megabytes(memory)} of memory; "
            f"the limit of its deployment is {_size(limits.memory)}."
        )
    if limits.cpu is not None and cpu > limits.cpu:
        return (
            f"Stopped by Zoe: it used {int(cpu)} s of CPU time; "
            f"the limit of its deployment is {_duration(limits.cpu)}."
        )
    if limits.time is not None and elapsed >= limits.time:
        return f"Stopped by Zoe: it ran for {_duration(limits.time)}, the limit of its deployment."
    return None


def _megabytes(size: int) -> str:
    return f"{-(-size // _MEGABYTE)} MB"


def _size(size: int) -> str:
    """Return a size in the unit in which it is a whole number, as whoever set it has written it."""
    for factor, unit in (*_BINARY, *_DECIMAL):
        if size and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} bytes"


def _duration(seconds: int) -> str:
    for factor, unit in _DURATIONS:
        if seconds and seconds % factor == 0:
            return f"{seconds // factor} {unit}"
    return f"{seconds} s"
