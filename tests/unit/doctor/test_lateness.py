"""Every reason for a late run, and which one is told where several hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.doctor.lateness import (
    Deployment,
    Here,
    Limit,
    Pool,
    Queue,
    Waiting,
    Worker,
    explain,
)

OURS = Worker("zoe", is_online=True, silent_seconds=3)
GONE = replace(OURS, is_online=False, silent_seconds=600)
OTHER = Worker("other", is_online=True, silent_seconds=3)
POOL = Pool("default", "process", workers=(OURS,))
QUEUE = Queue("default")
DEPLOYMENT = Deployment("nightly", "default")
WAITING = Waiting(DEPLOYMENT, POOL, QUEUE, seconds=120)
HERE = Here("default", "zoe", runs=0, limit=10)
FULL = Limit(2, 2)


def pool(**changes: object) -> Waiting:
    return replace(WAITING, pool=replace(POOL, **changes))  # type: ignore[arg-type]


def queue(**changes: object) -> Waiting:
    return replace(WAITING, queue=replace(QUEUE, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("waiting", "here", "what", "remedy"),
    [
        (pool(is_paused=True), HERE, "default is paused", "work-pool resume 'default'"),
        (queue(is_paused=True), HERE, "queue default of", "work-queue resume 'default' --pool"),
        (pool(limit=Limit(0, 0)), HERE, "has the limit 0", "set-concurrency-limit 'default' N"),
        (queue(limit=Limit(0, 0)), HERE, "has the limit 0", "--pool 'default'"),
        (pool(limit=FULL), HERE, "at its limit, 2 of 2", "work-pool set-concurrency-limit"),
        (queue(limit=FULL), HERE, "at its limit, 2 of 2", "work-queue set-concurrency-limit"),
        (
            replace(WAITING, deployment=replace(DEPLOYMENT, limit=FULL)),
            HERE,
            "nightly is at its limit, 2 of 2",
            "concurrency_limit",
        ),
        (
            pool(workers=(GONE,)),
            replace(HERE, trouble="gave no sign of life for 40 s"),
            "not at work: gave no sign of life for 40 s",
            "zoe logs worker",
        ),
        (pool(workers=()), HERE, "the server has not heard from it", "zoe logs worker"),
        (
            pool(workers=(GONE, replace(OTHER, is_online=False))),
            HERE,
            "no worker of the work pool default is online; the one here",
            "zoe logs worker",
        ),
        (pool(workers=(GONE,)), Here(None), "zoe was the last, 10 min ago", "start it again"),
        (pool(workers=()), Here(None), "has no worker", "ZOE_WORK_POOL='default'"),
        (pool(workers=(), kind="docker"), Here(None), "of the type docker", "another pool"),
        (WAITING, replace(HERE, is_drained=True), "drained by an operator", "zoe worker resume"),
        (WAITING, replace(HERE, runs=10), "10 of 10 flow runs", "ZOE_WORKER_LIMIT"),
        (WAITING, replace(HERE, ahead_seconds=-3600.0), "3600 s behind the server's", "NTP"),
        (WAITING, HERE, "does not take them", "zoe logs worker"),
        (replace(WAITING, seconds=25), HERE, "about to take them", "look again"),
        (replace(WAITING, pool=None, deployment=None), HERE, "belong to no deployment", "cancel"),
        (replace(WAITING, pool=None), HERE, "is gone; nightly is in the work pool", "new ones"),
        (
            replace(WAITING, pool=None, deployment=Deployment("served", None, is_served=False)),
            HERE,
            "no process serves it",
            "start the process",
        ),
        (
            replace(WAITING, pool=None, deployment=Deployment("served", None)),
            HERE,
            "has not taken them",
            "its limit",
        ),
    ],
)
def test_each_reason(waiting: Waiting, here: Here, what: str, remedy: str) -> None:
    reason = explain(waiting, here)
    assert what in reason.what
    assert remedy in reason.remedy


def test_what_must_be_mended_first_is_told_first() -> None:
    everything = replace(
        WAITING,
        pool=replace(POOL, is_paused=True, limit=FULL, workers=()),
        queue=replace(QUEUE, is_paused=True),
        deployment=replace(DEPLOYMENT, limit=FULL),
    )
    drained = replace(HERE, is_drained=True, runs=10)
    assert "default is paused" in explain(everything, drained).what
    resumed = replace(everything, pool=replace(POOL, limit=FULL, workers=()), queue=QUEUE)
    assert "not at work" in explain(resumed, drained).what
    served = replace(resumed, pool=replace(POOL, limit=FULL))
    assert "at its limit" in explain(served, drained).what


@pytest.mark.parametrize(
    "here",
    [replace(HERE, is_drained=True), replace(HERE, runs=10), Here("elsewhere", "zoe", runs=10)],
)
def test_the_worker_here_explains_nothing_while_another_could_take_them(here: Here) -> None:
    waiting = pool(workers=(OURS, OTHER))
    assert "does not take them" in explain(waiting, here).what


def test_a_limit_with_room_explains_nothing() -> None:
    assert "does not take them" in explain(pool(limit=Limit(3, 2)), HERE).what
