"""The conductor's decisions, apart from their effects: what to start, restart or give up.

A program starts when all before it are ready. One that hangs - it is there, but fails its probe
again and again - is restarted. One that never becomes ready is given up after some tries, which
ends the appliance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Three failures, a probe's patience apart, tell a hang from a busy moment.
FAILURES_OF_A_HANG = 3
TRIES_TO_BECOME_READY = 5

UP = frozenset({"STARTING", "RUNNING"})


@dataclass(frozen=True)
class Observation:
    """What is seen of one program at one moment.

    Attributes:
        state: supervisord's name for its state, such as `RUNNING`.
        pid: Its process id; 0 when there is no process.
        alive: Whether it answers at all; one that does not is hung, or still starting.
        ready: Whether it does its work, so that the next one may start.
        detail: Why not, in words for `zoe status`; empty when it is ready.
        busy: Whether it does what takes as long as it takes before it can become ready.
    """

    state: str
    pid: int
    alive: bool
    ready: bool
    detail: str = ""
    busy: bool = False


@dataclass(frozen=True)
class Start:
    """Start a program."""

    program: str


@dataclass(frozen=True)
class Restart:
    """Stop a program; being stopped, it is started again."""

    program: str
    reason: str


@dataclass(frozen=True)
class GiveUp:
    """End the appliance because of a program."""

    program: str
    reason: str


@dataclass(frozen=True)
class BecameReady:
    """Nothing to do but to say so."""

    program: str
    seconds: float


Action = Start | Restart | GiveUp | BecameReady


@dataclass
class _Memory:
    pid: int = 0
    since: float = 0.0
    was_ready: bool = False
    failures: int = 0
    vain_tries: int = 0


@dataclass
class Conductor:
    """Decides, step by step, from what it sees and what it remembers.

    Attributes:
        ready_seconds: The programs in their start order, and how long each may take to be ready.
    """

    ready_seconds: Mapping[str, int]
    _memories: dict[str, _Memory] = field(default_factory=dict)

    def step(self, seen: Mapping[str, Observation], now: float) -> Sequence[Action]:
        """Return what is to be done.

        Args:
            seen: An observation of each program.
            now: A reading of the monotonic clock.
        """
        actions: list[Action] = []
        all_before_are_ready = True
        for program, patience in self.ready_seconds.items():
            observation = seen[program]
            memory = self._memories.setdefault(program, _Memory())
            actions += self._judge(program, patience, observation, memory, now)
            if observation.state == "STOPPED" and all_before_are_ready:
                actions.append(Start(program))
            all_before_are_ready = all_before_are_ready and observation.ready
        return actions

    def _judge(
        self, program: str, patience: int, seen: Observation, memory: _Memory, now: float
    ) -> list[Action]:
        if seen.pid != memory.pid:
            if memory.pid and not memory.was_ready:
                memory.vain_tries += 1
            memory.pid, memory.since = seen.pid, now
            memory.was_ready, memory.failures = False, 0
        if memory.vain_tries >= TRIES_TO_BECOME_READY:
            reason = f"it ended {memory.vain_tries} times before it was ready"
            return [GiveUp(program, f"{reason}: {seen.detail}" if seen.detail else reason)]
        if seen.state not in UP:
            return []
        if seen.ready and not memory.was_ready:
            memory.was_ready, memory.vain_tries = True, 0
            return [BecameReady(program, now - memory.since)]
        if seen.busy:
            memory.since = now
        if memory.was_ready:
            memory.failures = 0 if seen.alive else memory.failures + 1
            if memory.failures >= FAILURES_OF_A_HANG:
                memory.failures = 0
                return [Restart(program, f"it hangs: {seen.detail}")]
        elif now - memory.since > patience:
            return [Restart(program, f"it was not ready within {patience} s: {seen.detail}")]
        return []
