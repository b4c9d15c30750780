from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from appliance.errors import WorldError, ZoeError
from appliance.worker.drain import (
    EXIT_SECONDS,
    REPORT_SECONDS,
    SETTLE_SECONDS,
    TERMINATE_SECONDS,
    Drain,
)

IGNORES_TERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(600)"
)


class Runs:
    """Real processes in the place of a worker's flow runs; one that ends is recorded.

    What Prefect makes of their ends, `test_cut_short` sees.
    """

    def __init__(self) -> None:
        self.abandoned: list[UUID] = []
        self.worker: Any = SimpleNamespace(
            accepts_runs=True, processes={}, record=None, abandon=self.abandon
        )
        self.children: dict[UUID, subprocess.Popen[str]] = {}

    def add(self, code: str) -> UUID:
        run = uuid4()
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        self.children[run] = child
        self.worker.processes[run] = child.pid
        return run

    def abandon(self, flow_runs: Iterable[UUID]) -> None:
        for run in flow_runs:
            assert self.children[run].poll() is None, "killed before it was abandoned"
            self.abandoned.append(run)

    async def reap(self) -> None:
        while self.worker.processes:
            for run, child in self.children.items():
                if run in self.worker.processes and child.poll() is not None:
                    if self.worker.record:
                        self.worker.record(str(run))
                    del self.worker.processes[run]
            await asyncio.sleep(0.01)

    def drain(self, stop_seconds: float, failure: ZoeError | None = None) -> list[tuple[str, str]]:
        settled: list[tuple[str, str]] = []

        def settle(run: str, reason: str) -> None:
            if failure:
                raise failure
            settled.append((run, reason))

        async def both() -> None:
            drain = Drain(stop_seconds, settle)
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                group.create_task(self.reap())
                group.create_task(drain.run(self.worker))

        asyncio.run(both())
        for child in self.children.values():
            child.wait()
            assert child.stdout is not None
            child.stdout.close()
        return settled


def test_the_shares_add_up_to_what_the_worker_has() -> None:
    drain = Drain(7, lambda *_: None)
    shares = (drain.patience, TERMINATE_SECONDS, SETTLE_SECONDS, EXIT_SECONDS)
    assert sum(shares) == pytest.approx(7)
    assert REPORT_SECONDS < SETTLE_SECONDS
    assert Drain(0.5, lambda *_: None).patience == 0


def test_a_run_that_ends_in_time_is_no_ones_business() -> None:
    runs = Runs()
    run = runs.add("print('ready', flush=True); import time; time.sleep(0.5)")
    assert runs.drain(20) == []
    assert runs.children[run].returncode == 0
    assert runs.worker.accepts_runs is False
    assert runs.worker.record is None


def test_a_run_that_goes_on_is_terminated_and_recorded() -> None:
    runs = Runs()
    run = runs.add("print('ready', flush=True); import time; time.sleep(600)")
    settled = runs.drain(3)
    assert runs.children[run].returncode == -signal.SIGTERM
    assert [flow_run_id for flow_run_id, _ in settled] == [str(run)]
    assert "ZOE_STOP_GRACE" in settled[0][1]
    assert runs.abandoned == []


def test_a_run_that_ignores_sigterm_is_killed_and_recorded() -> None:
    runs = Runs()
    run = runs.add(IGNORES_TERM)
    settled = runs.drain(3)
    assert runs.children[run].returncode == -signal.SIGKILL
    assert [flow_run_id for flow_run_id, _ in settled] == [str(run)]
    assert runs.abandoned == [run]


def test_an_end_that_cannot_be_recorded_is_for_the_next_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = Runs()
    run = runs.add("print('ready', flush=True); import time; time.sleep(600)")
    assert runs.drain(3, WorldError("the server is away")) == []
    assert f"the end of flow run {run} is for the next start: the server is away" in (
        capsys.readouterr().out
    )
