from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.doctor.lateness import Here, Pool, Worker
from appliance.doctor.workers import judge

OURS = Worker("zoe", is_online=True, silent_seconds=3)
POOL = Pool("default", "process", workers=(OURS,))
HERE = Here("default", "zoe")


def said(pool: Pool | None, here: Here = HERE, *used: str, more: Pool | None = None) -> list[str]:
    pools = {one.name: one for one in (pool, more) if one}
    return [f.what for f in judge(pools, "default", here, used) if not f.is_well]


def test_a_worker_at_work() -> None:
    assert said(POOL) == []
    (finding,) = judge({"default": POOL}, "default", HERE, [])
    assert finding.what == "1 online in 1 work pools"


@pytest.mark.parametrize(
    ("pool", "here", "expected"),
    [
        (None, HERE, "the work pool default of the worker here is gone"),
        (replace(POOL, workers=()), HERE, "has never heard from the worker here, zoe"),
        (
            replace(POOL, workers=(Worker("zoe", is_online=False, silent_seconds=600),)),
            HERE,
            "last heard from the worker here 10 min ago",
        ),
        (POOL, replace(HERE, is_drained=True), "drained by an operator"),
        (replace(POOL, is_paused=True), HERE, "the work pool default is paused"),
    ],
)
def test_a_worker_that_is_not(pool: Pool | None, here: Here, expected: str) -> None:
    (what,) = said(pool, here)
    assert expected in what


def test_other_pools_count_where_deployments_are_in_them() -> None:
    other = Pool("gpu", "process")
    assert said(POOL, HERE, more=other) == []
    (what,) = said(POOL, HERE, "gpu", more=other)
    assert "gpu has deployments, and no worker of it is online" in what
    paused = replace(other, is_paused=True)
    assert said(POOL, HERE, "gpu", more=paused) == ["the work pool gpu is paused: its runs wait"]


def test_a_machine_without_a_worker_looks_at_the_pools_alone() -> None:
    assert said(POOL, Here(None)) == []
    assert said(None, Here(None)) == []
