"""Why a flow run is late: a decision from facts, apart from how these are had.

A run starts when a worker asks the server for what is due. The server gives nothing of a paused
pool or queue, nor beyond a limit of either; the deployment's limit is asked when the worker has
taken the run; and a worker asks only when it is there, is not drained and has room. The causes
are looked at in this order, and the first that holds is the answer: it must be mended before any
later one matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.doctor.words import duration

SERVED_TYPE = "process"
# A worker asks for what is due ten seconds from now by its own clock. (Prefect's
# PREFECT_WORKER_PREFETCH_SECONDS.)
BEHIND_SECONDS = 10.0
# Between a run's time and its start: a worker's round and some patience on a busy machine.
SOON_SECONDS = 60.0


@dataclass(frozen=True)
class Limit:
    """How many runs may go on at once, and how many do."""

    allowed: int
    taken: int

    @property
    def is_reached(self) -> bool:
        """Whether there is no room."""
        return self.taken >= self.allowed


@dataclass(frozen=True)
class Worker:
    """A worker of a pool, by the server's word.

    Attributes:
        name: Its name.
        is_online: Whether the server has heard from it in time.
        silent_seconds: Since when it has not.
    """

    name: str
    is_online: bool
    silent_seconds: float


@dataclass(frozen=True)
class Pool:
    """A work pool."""

    name: str
    kind: str
    is_paused: bool = False
    limit: Limit | None = None
    workers: tuple[Worker, ...] = ()


@dataclass(frozen=True)
class Queue:
    """A queue of a work pool."""

    name: str
    is_paused: bool = False
    limit: Limit | None = None


@dataclass(frozen=True)
class Deployment:
    """A deployment.

    Attributes:
        name: Its name.
        pool: The name of its work pool; None where a process of the operator's own serves it.
        is_served: Whether a process or worker has asked for its runs lately.
        limit: How many of its runs may go on at once.
    """

    name: str
    pool: str | None
    is_served: bool = True
    limit: Limit | None = None


@dataclass(frozen=True)
class Waiting:
    """Runs that wait for the same thing.

    Attributes:
        deployment: Whose runs they are; None where it is gone, or there never was one.
        pool: The pool in which they wait; None where there is none.
        queue: The queue of that pool.
        seconds: How long the oldest of them has been due.
    """

    deployment: Deployment | None
    pool: Pool | None
    queue: Queue | None
    seconds: float


@dataclass(frozen=True)
class Here:
    """The worker of this machine.

    Attributes:
        pool: The pool that it serves; None where no worker runs here.
        name: Its name on the server.
        trouble: Why it does not do its work; empty when it does.
        is_drained: Whether an operator has taken it out of work.
        runs: How many flow runs it has.
        limit: How many it may have.
        ahead_seconds: This machine's clock minus the server's.
    """

    pool: str | None
    name: str = ""
    trouble: str = ""
    is_drained: bool = False
    runs: int = 0
    limit: int = 1
    ahead_seconds: float = 0.0


@dataclass(frozen=True)
class Reason:
    """Why runs are late, and what to do."""

    what: str
    remedy: str


def explain(waiting: Waiting, here: Here) -> Reason:
    """Return why these runs have not started."""
    if waiting.pool is None:
        return _without_pool(waiting.deployment)
    return (
        _held_back(waiting.pool, waiting.queue)
        or _nobody_asks(waiting.pool, here)
        or _no_room(waiting, waiting.pool)
        or _not_taken_here(waiting.pool, here)
        or _unknown(waiting, waiting.pool)
    )


def _without_pool(deployment: Deployment | None) -> Reason:
    if deployment is None:
        return Reason(
            "they belong to no deployment, or to one that is gone: no worker will ever take them",
            "cancel or delete them",
        )
    if deployment.pool is not None:
        return Reason(
            f"the work pool that they waited in is gone; {deployment.name} is in the work pool "
            f"{deployment.pool} now",
            "cancel them and start new ones",
        )
    if deployment.is_served:
        return Reason(
            f"{deployment.name} has no work pool; the process that serves it has not taken them",
            "look at that process and its limit, or give the deployment a work pool",
        )
    return Reason(
        f"{deployment.name} has no work pool, and no process serves it",
        "start the process that serves it, or give the deployment a work pool",
    )


def _held_back(pool: Pool, queue: Queue | None) -> Reason | None:
    """Return what an operator has forbidden."""
    if pool.is_paused:
        return Reason(
            f"the work pool {pool.name} is paused", f"prefect work-pool resume '{pool.name}'"
        )
    if queue and queue.is_paused:
        return Reason(
            f"the work queue {queue.name} of the work pool {pool.name} is paused",
            f"prefect work-queue resume '{queue.name}' --pool '{pool.name}'",
        )
    if pool.limit and pool.limit.allowed == 0:
        return Reason(f"the work pool {pool.name} has the limit 0", _raise_pool(pool))
    if queue and queue.limit and queue.limit.allowed == 0:
        return Reason(
            f"the work queue {queue.name} of the work pool {pool.name} has the limit 0",
            _raise_queue(pool, queue),
        )
    return None


def _nobody_asks(pool: Pool, here: Here) -> Reason | None:
    """Return why no worker of the pool is there."""
    if any(worker.is_online for worker in pool.workers):
        return None
    if here.pool == pool.name:
        trouble = here.trouble or "the server has not heard from it"
        return Reason(
            f"the worker here, the only one of the work pool {pool.name}, is not at work: {trouble}"
            if len(pool.workers) <= 1
            else f"no worker of the work pool {pool.name} is online; the one here: {trouble}",
            "zoe logs worker tells more",
        )
    if pool.kind != SERVED_TYPE:
        return Reason(
            f"the work pool {pool.name} is of the type {pool.kind}, and no worker of that type is "
            "online; Zoe's workers serve pools of the type process",
            f"start such a worker, or move the deployments to another pool: {pool.name} is not "
            "Zoe's to serve",
        )
    if pool.workers:
        last = min(pool.workers, key=lambda worker: worker.silent_seconds)
        return Reason(
            f"no worker of the work pool {pool.name} is online; {last.name} was the last, "
            f"{duration(last.silent_seconds)} ago",
            "start it again, or look at its machine",
        )
    return Reason(
        f"the work pool {pool.name} has no worker",
        f"start one with ZOE_WORK_POOL='{pool.name}', or move the deployments to another pool",
    )


def _no_room(waiting: Waiting, pool: Pool) -> Reason | None:
    """Return the limit that is reached."""
    if pool.limit and pool.limit.is_reached:
        return Reason(
            f"the work pool {pool.name} is at its limit, {_taken(pool.limit)}", _raise_pool(pool)
        )
    queue, deployment = waiting.queue, waiting.deployment
    if queue and queue.limit and queue.limit.is_reached:
        return Reason(
            f"the work queue {queue.name} of the work pool {pool.name} is at its limit, "
            f"{_taken(queue.limit)}",
            _raise_queue(pool, queue),
        )
    if deployment and deployment.limit and deployment.limit.is_reached:
        return Reason(
            f"the deployment {deployment.name} is at its limit, {_taken(deployment.limit)}",
            "wait for its runs to end, or raise the concurrency_limit of the deployment",
        )
    return None


def _not_taken_here(pool: Pool, here: Here) -> Reason | None:
    """Return why the worker here takes nothing, where there is no other."""
    others = [w for w in pool.workers if w.is_online and w.name != here.name]
    if here.pool != pool.name or others:
        return None
    if here.is_drained:
        return Reason("the worker here was drained by an operator", "zoe worker resume")
    if here.runs >= here.limit:
        return Reason(
            f"the worker here is at its limit, {here.runs} of {here.limit} flow runs",
            "wait for some to end, raise ZOE_WORKER_LIMIT, or add a worker",
        )
    if here.ahead_seconds < -BEHIND_SECONDS:
        return Reason(
            f"this machine's clock is {-here.ahead_seconds:.0f} s behind the server's, so the "
            "worker here takes them for early",
            "set the clocks by NTP",
        )
    return None


def _unknown(waiting: Waiting, pool: Pool) -> Reason:
    if waiting.seconds < SOON_SECONDS:
        return Reason(
            f"nothing holds them back; a worker of {pool.name} is about to take them",
            "wait for a minute and look again",
        )
    return Reason(
        f"a worker of the work pool {pool.name} is online and has room, and does not take them",
        "look at the worker's log: zoe logs worker",
    )


def _taken(limit: Limit) -> str:
    return f"{limit.taken} of {limit.allowed} runs"


def _raise_pool(pool: Pool) -> str:
    return (
        "wait for runs to end, or raise it: prefect work-pool set-concurrency-limit "
        f"'{pool.name}' N"
    )


def _raise_queue(pool: Pool, queue: Queue) -> str:
    return (
        "wait for runs to end, or raise it: prefect work-queue set-concurrency-limit "
        f"'{queue.name}' N --pool '{pool.name}'"
    )
