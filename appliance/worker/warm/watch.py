"""Look at what a flow run uses, as often as it could exceed a limit, and stop it when it does.

The launcher does so, in a thread: it is small, it is there anyway, and it goes on when the worker
has died. Its verdict is on disk before the run is killed, for whoever records the end.
"""

from __future__ import annotations

import os
import select
import time

from appliance.worker.warm import usage
from appliance.worker.warm.limits import Limits, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# About as fast as one core can write; where it was measured, it got 1.1 GB/s of new pages.
BYTES_PER_SECOND = 8e9
# Between two looks.
SECONDS = (0.05, 1.0)
# Looking takes no more than this part of a processor. A gigabyte, page by page, takes 20 ms.
SHARE = 0.05
# No single wait of poll(2) may be longer than its milliseconds can say.
_LONGEST = 86400.0


class Watch:
    """One flow run under its limits.

    Args:
        limits: Its limits.
        record: Puts the reason on disk for which it is stopped.
    """

    def __init__(self, limits: Limits, record: Callable[[str], object]) -> None:
        self._limits = limits
        self._record = record
        self._memory = Memory()
        self._began = time.monotonic()
        self._processors = len(os.sched_getaffinity(0))

    def over(self, pid: int) -> None:
        """Look at a process and all below it until it has ended, or has been stopped."""
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        poll = select.poll()
        poll.register(process, select.POLLIN)
        wait = 0.0
        while not poll.poll(wait * 1000):
            reason, wait = self._look(pid)
            if reason is not None:
                self._record(reason)
                usage.kill(pid)
                break
        os.close(process)

    def _look(self, pid: int) -> tuple[str | None, float]:
        """Return why to stop it, if so, and the seconds until the next look."""
        limits = self._limits
        # Not by the clock: a run that leaves us no processor must not be looked at more rarely.
        began = time.thread_time()
        pids = usage.tree(pid) if (limits.memory, limits.cpu) != (None, None) else []
        cpu = usage.cpu(pids) if limits.cpu is not None else 0.0
        at_most = usage.memory_at_most(pids) if limits.memory is not None else 0
        rest = min(SECONDS[1], (time.thread_time() - began) / SHARE)
        memory = at_most
        if limits.memory is not None:
            memory = self._memory.held(pids, at_most, limits.memory, time.monotonic())
        elapsed = time.monotonic() - self._began
        reason = verdict(limits, memory, cpu, elapsed)
        return reason, max(rest, pause(limits, memory, cpu, elapsed, self._processors))


class Memory:
    """What a run holds, looked at page by page as rarely as can be.

    Args:
        exact: Returns the bytes that processes hold, at some cost.
    """

    def __init__(self, exact: Callable[[list[int]], int] = usage.memory) -> None:
        self._exact = exact
        self._pids: list[int] = []
        self._shared = 0
        self._until = 0.0

    def held(self, pids: list[int], at_most: int, limit: int, now: float) -> int:
        """Return the bytes that a run holds, or a number that is not less and within its limit.

        Between two costly looks what it shares with others counts as unchanged, a second at most.

        Args:
            pids: Its processes.
            at_most: A number that is not less than what they hold.
            limit: Its limit.
            now: A reading of the monotonic clock, in seconds.
        """
        if at_most <= limit:
            return at_most
        if pids == self._pids and now < self._until and at_most - self._shared <= limit:
            return at_most - self._shared
        began = time.thread_time()
        held = self._exact(pids)
        self._pids, self._shared = pids, max(0, at_most - held)
        self._until = now + max(SECONDS[1], (time.thread_time() - began) / SHARE)
        return held


def pause(limits: Limits, memory: int, cpu: float, elapsed: float, processors: int) -> float:
    """Return how many seconds it takes at least until a run could exceed a limit.

    Args:
        limits: Its limits.
        memory: The bytes that it holds.
        cpu: The seconds of CPU time that it has used.
        elapsed: The seconds since its start.
        processors: How many it may use at once.
    """
    shortest, longest = SECONDS
    waits = [_LONGEST]
    if limits.memory is not None:
        waits.append(min(longest, max(shortest, (limits.memory - memory) / BYTES_PER_SECOND)))
    if limits.cpu is not None:
        waits.append(max(shortest, (limits.cpu - cpu) / processors))
    if limits.time is not None:
        waits.append(max(0.0, limits.time - elapsed))
    return min(waits)
