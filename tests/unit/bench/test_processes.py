from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.bench.subjects import probe
from tests.bench.subjects.processes import (
    Look,
    Process,
    all_cpu,
    all_pss,
    look,
    new_pss,
    worker_cpu,
)

WORKER = ("python", "-P", "-m", "appliance.worker")
SERVER = ("python", "-P", "-m", "appliance.server")


def process(
    pid: int, parent: int, words: tuple[str, ...] = (), *, cpu: float = 0, **more: float
) -> Process:
    return Process(
        pid, parent, cpu, more.get("children", 0), int(more.get("pss", 0)), words or ("x",)
    )


def test_the_workers_part_of_one_container_is_all_but_the_others() -> None:
    before = Look(
        10, (process(1, 0), process(2, 1, SERVER, cpu=3), process(3, 1, WORKER, cpu=2)), False
    )
    after = Look(
        30,
        (
            # It has waited for an orphan of the worker's, which is no cost of its own.
            process(1, 0, cpu=0.5, children=4),
            process(2, 1, SERVER, cpu=8, children=1),
            process(3, 1, WORKER, cpu=4),
            process(4, 3, ("python", "-m", "prefect.engine"), cpu=1),
        ),
        False,
    )
    assert all_cpu([before], [after]) == 20
    assert worker_cpu([before], [after]) == pytest.approx(20 - 0.5 - 5 - 1)


def test_another_process_of_the_same_number_is_not_taken_for_the_old_one() -> None:
    before = Look(0, (process(2, 1, SERVER, cpu=100), process(3, 1, WORKER)), False)
    after = Look(5, (process(2, 1, ("y",), cpu=1), process(3, 1, WORKER)), False)
    assert worker_cpu([before], [after]) == 5


def test_a_workers_own_container_counts_as_a_whole_and_a_servers_not() -> None:
    before = [Look(1, (process(1, 0, SERVER),), False), Look(1, (process(1, 0),), True)]
    after = [Look(9, (process(1, 0, SERVER),), False), Look(4, (process(1, 0),), True)]
    assert worker_cpu(before, after) == 3
    assert all_cpu(before, after) == 11


def test_memory_of_runs_is_that_of_processes_that_came_below_the_worker() -> None:
    before = Look(
        0, (process(2, 1, SERVER, pss=200), process(3, 1, WORKER, pss=90), process(4, 3)), False
    )
    after = Look(
        0,
        (
            process(2, 1, SERVER, pss=210),
            process(3, 1, WORKER, pss=95),
            process(4, 3, pss=5),
            process(5, 4, pss=20),
            process(6, 3, pss=1),
            process(7, 2, pss=1000),
        ),
        False,
    )
    assert new_pss([before], [after]) == 21
    assert all_pss([after]) - all_pss([before]) == 1331 - 290


def test_the_probe_sees_a_process_as_it_is_read_afterwards() -> None:
    seen = probe.process(Path("/proc/self"), memory=True)
    assert seen is not None
    text = json.dumps({"processes": [seen], "cpu": 1.5})
    (found,) = look(text, is_worker=False).processes
    assert (found.pid, found.parent) == (os.getpid(), os.getppid())
    assert found.own > 0
    assert found.pss > 1_000_000
    assert len(found.words) >= 1


def test_a_process_that_has_ended_is_none(tmp_path: Path) -> None:
    assert probe.process(tmp_path / "123", memory=True) is None
