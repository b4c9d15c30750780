"""What is counted, on real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.worker.warm import usage
from tests.unit.support import wait_until

MEGABYTE = 10**6
# Holds 100 MB, forks, and the child holds 50 MB more.
SHARES = f"""
import os, time
mine = b"x" * (100 * {MEGABYTE})
if os.fork() == 0:
    more = b"y" * (50 * {MEGABYTE})
    print("ready", flush=True)
time.sleep(600)
"""
# A child that has used its CPU time and is no more, and one below a child.
BURNS = """
import os, subprocess, sys, time
code = "import time\\nwhile time.process_time() < 0.5: pass"
subprocess.run([sys.executable, "-c", code])
print("ready", flush=True)
time.sleep(600)
"""


# Each generation is twice as many.
FORKS = """
import os, time
print("ready", flush=True)
for _ in range(7):
    time.sleep(0.01)
    os.fork()
time.sleep(600)
"""


@contextmanager
def running(code: str) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            usage.kill(process.pid)


def test_a_page_that_two_share_counts_once() -> None:
    with running(SHARES) as pid:
        pids = usage.tree(pid)
        assert len(pids) == 2
        assert 150 * MEGABYTE < usage.memory(pids) < 200 * MEGABYTE
        assert usage.memory_at_most(pids) > 250 * MEGABYTE


def test_cpu_time_of_those_that_are_no_more_counts() -> None:
    with running(BURNS) as pid:
        assert 0.5 <= usage.cpu(usage.tree(pid)) < 5.0


def test_what_is_gone_uses_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    pids = usage.tree(process.pid)
    assert pids == [process.pid]
    assert (usage.memory(pids), usage.memory_at_most(pids), usage.cpu(pids)) == (0, 0, 0.0)
    usage.kill(process.pid)


def test_our_own_is_what_the_kernel_says() -> None:
    assert usage.memory([os.getpid()]) <= usage.memory_at_most([os.getpid()])
    assert usage.cpu([os.getpid()]) == pytest.approx(sum(os.times()[:4]), abs=0.5)


def test_one_that_makes_processes_all_the_time_is_killed_with_all_of_them() -> None:
    with running(FORKS) as pid:
        wait_until(lambda: len(usage.tree(pid)) > 4, "a tree")
        seen = usage.tree(pid)
        usage.kill(pid)
        wait_until(lambda: not any(map(_lives, seen)), "the end of all of them")


def _lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
