"""Which runs a worker takes first: those of the deployment that has the fewest at work.

Prefect hands runs out by their scheduled time alone, so that whoever scheduled five hundred at once
holds everybody else up until the last of them has begun. Pure.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Waiting(Generic[T]):
    """A run that could be taken.

    Attributes:
        run: Whatever the caller knows it by.
        queue: What comes before what follows it, whosever it is: Prefect answers the runs of a
            more important work queue before others, and those that are due before their time last.
        deployment: Whose it is; None for a run of no deployment.
    """

    run: T
    queue: Hashable
    deployment: Hashable


def fairly(waiting: Iterable[Waiting[T]], at_work: Iterable[Hashable]) -> list[T]:
    """Return the runs in the order in which to take them.

    Within one deployment the order stays; among those that have equally many at work, too.

    Args:
        waiting: In the server's order.
        at_work: The deployment of each run that goes on, as often as there are runs of it.
    """
    busy = Counter(at_work)
    order: list[T] = []
    for _, queue in groupby(waiting, key=lambda one: one.queue):
        order += _take_turns(list(queue), busy)
    return order


def _take_turns(waiting: Sequence[Waiting[T]], busy: Counter[Hashable]) -> list[T]:
    lines: dict[Hashable, deque[T]] = {}
    for one in waiting:
        lines.setdefault(one.deployment, deque()).append(one.run)
    order: list[T] = []
    while lines:
        # The first of the least busy: `lines` keeps the order of arrival.
        deployment = min(lines, key=busy.__getitem__)
        order.append(lines[deployment].popleft())
        busy[deployment] += 1
        if not lines[deployment]:
            del lines[deployment]
    return order
