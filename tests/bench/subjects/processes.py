"""What two looks into containers say about flow runs: pure, from lists of processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process as a probe saw it.

    Attributes:
        pid: Its number in the container.
        parent: Its parent's; 0 for the first one, and for what comes from outside.
        own: CPU seconds of its own.
        children: CPU seconds of those of its children that have ended and been waited for.
        pss: Its proportional share of memory in bytes.
        words: Its command line.
    """

    pid: int
    parent: int
    own: float
    children: float
    pss: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """One container at one moment.

    Attributes:
        cpu: CPU seconds of all that ever ran in it.
        processes: Those that run in it now.
        is_worker: Whether all of it is a worker and its flow runs.
    """

    cpu: float
    processes: tuple[Process, ...]
    is_worker: bool

    def worker_tree(self) -> frozenset[int]:
        """Return the worker and everything below it."""
        if self.is_worker:
            return frozenset(process.pid for process in self.processes)
        tree = {process.pid for process in self.processes if "appliance.worker" in process.words}
        while more := {p.pid for p in self.processes if p.parent in tree} - tree:
            tree |= more
        return frozenset(tree)


def look(text: str, *, is_worker: bool) -> Look:
    """Return what a probe printed."""
    seen = json.loads(text)
    processes = tuple(
        Process(**{**entry, "words": tuple(entry["words"])}) for entry in seen["processes"]
    )
    return Look(seen["cpu"], processes, is_worker)


def all_cpu(before: Sequence[Look], after: Sequence[Look]) -> float:
    """Return the CPU seconds that all containers used between two looks."""
    return sum(now.cpu - then.cpu for then, now in zip(before, after, strict=True))


def worker_cpu(before: Sequence[Look], after: Sequence[Look]) -> float:
    """Return the CPU seconds of the worker, its flow runs, and nothing that can be told from them.

    What has ended is found in no list of processes, so it goes the other way round: all of the
    container, less the programs beside the worker that were there at both looks, with the children
    that they waited for. What cannot be told, such as a health check, counts as the worker's.
    """
    total = 0.0
    for then, now in zip(before, after, strict=True):
        if then.is_worker:
            total += now.cpu - then.cpu
        elif tree := now.worker_tree():
            total += now.cpu - then.cpu - _beside(then, now, tree)
    return total


def _beside(then: Look, now: Look, tree: frozenset[int]) -> float:
    earlier = {process.pid: process for process in then.processes}
    spent = 0.0
    for process in now.processes:
        old = earlier.get(process.pid)
        if process.pid not in tree and old is not None and old.words == process.words:
            spent += process.own - old.own
            if process.pid != 1:
                # The first process waits for orphans, too, among them those of flow runs.
                spent += process.children - old.children
    return spent


def all_pss(looks: Sequence[Look]) -> int:
    """Return the memory of all processes in bytes."""
    return sum(process.pss for one in looks for process in one.processes)


def new_pss(before: Sequence[Look], after: Sequence[Look]) -> int:
    """Return the memory of processes below the worker that were not there before, in bytes."""
    total = 0
    for then, now in zip(before, after, strict=True):
        known = {process.pid for process in then.processes}
        tree = now.worker_tree()
        total += sum(p.pss for p in now.processes if p.pid in tree and p.pid not in known)
    return total
