"""Which runs have lost their machine: a decision from what is seen of them, time after time.

A run whose sign of life stands still for long enough is lost. Time is counted on the watcher's
own monotonic clock, from when it first saw a sign, and only in small steps: while the watcher did
not look - it was stopped, its machine slept - nobody can say whether the others were there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# A look every ten seconds and some delay. What is more between two looks does not count.
GREATEST_STEP_SECONDS = 15.0


@dataclass(frozen=True)
class Seen:
    """What is seen of one run that must have a process.

    Attributes:
        run: Its id.
        sign: Anything that differs after each sign of life.
    """

    run: str
    sign: str


@dataclass
class _Silence:
    sign: str
    seconds: float = 0.0


class LostRuns:
    """Remembers how long each run has been silent.

    Args:
        lost_after: Seconds of silence after which a run is lost.
    """

    def __init__(self, lost_after: float) -> None:
        self._lost_after = lost_after
        self._silences: dict[str, _Silence] = {}
        self._last_look: float | None = None

    def step(self, seen: Iterable[Seen], now: float) -> list[str]:
        """Return the runs that are lost.

        Args:
            seen: Every run that must have a process; one that is not among them is forgotten.
            now: A reading of the monotonic clock, in seconds.
        """
        passed = 0.0
        if self._last_look is not None:
            passed = min(now - self._last_look, GREATEST_STEP_SECONDS)
        self._last_look = now
        silences: dict[str, _Silence] = {}
        for run in seen:
            before = self._silences.get(run.run)
            if before is None or before.sign != run.sign:
                silences[run.run] = _Silence(run.sign)
            else:
                silences[run.run] = _Silence(run.sign, before.seconds + passed)
        self._silences = silences
        return [run for run, silence in silences.items() if silence.seconds >= self._lost_after]

    def forget(self) -> None:
        """Begin anew: the server was away, for us and so for everybody."""
        self._silences.clear()
        self._last_look = None
