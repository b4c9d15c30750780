"""A run is stopped at its limit, warm or cold, with all that it has started; the template lives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.worker.warm import protocol
from tests.unit.support import wait_until
from tests.warm.conftest import MODULE, Finished, Warm, finish, launcher

MEGABYTE = 10**6
EATS = f"""
import time
eaten = []
while True:
    eaten.append(b"x" * (10 * {MEGABYTE}))
    time.sleep(0.01)
"""
BURNS = "while True: pass"
WAITS = "import time; time.sleep(600)"
# The processes of a run: one that has lost its parent and left its session, and one in a thread.
STARTS = """
import os, subprocess, sys, threading, time

def start():
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    subprocess.run([sys.executable, "-c", code])

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        DOES
    os._exit(0)
os.wait()
threading.Thread(target=start).start()
time.sleep(600)
"""
TELLS = """
import json, os, resource
print(json.dumps([os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_NOFILE),
                  [name for name in os.environ if name.startswith("ZOE_")]]))
"""


@dataclass
class Way:
    """How runs start, and where their launchers write.

    Attributes:
        start: Starts one in a directory, with this code and these limits.
        verdict: What is written when one is stopped.
    """

    start: Callable[[Path, str, str], subprocess.Popen[str]]
    verdict: Path

    def run(self, directory: Path, code: str, limits: str) -> Finished:
        return finish(self.start(directory, code, limits))


@pytest.fixture(params=["warm", "cold"])
def way(request: pytest.FixtureRequest, warm: Warm, tmp_path: Path) -> Iterator[Way]:
    verdict = tmp_path / "verdict"

    def start_warm(directory: Path, code: str, limits: str) -> subprocess.Popen[str]:
        environment = warm.environment(**{protocol.VERDICT: str(verdict)})
        return warm.start(directory, code, "--limits", limits, env=environment)

    def start_cold(directory: Path, code: str, limits: str) -> subprocess.Popen[str]:
        # Found before Prefect's own, in the current directory.
        engine = directory / "prefect" / "engine.py"
        engine.parent.mkdir(exist_ok=True)
        (engine.parent / "__init__.py").touch()
        engine.write_text(code, encoding="utf-8")
        return subprocess.Popen(
            [*launcher(), "--limits", limits],
            cwd=directory,
            env={**os.environ, protocol.VERDICT: str(verdict)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    wait_until(lambda: warm.keeper.processes, "a template")
    template = warm.pid()
    yield Way({"warm": start_warm, "cold": start_cold}[request.param], verdict)
    # Nothing of it has hurt the others.
    assert warm.pid() == template
    assert warm.run(tmp_path, "print('well')").output == "well\n"


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        (EATS, "memory=150000000", "MB of memory; the limit of its deployment is 150 MB."),
        (BURNS, "cpu=1", "it used 1 s of CPU time; the limit of its deployment is 1 s."),
        (WAITS, "time=1", "it ran for 1 s, the limit of its deployment."),
    ],
    ids=["memory", "cpu", "time"],
)
def test_a_run_is_stopped_at_its_limit_and_that_is_told(
    way: Way, tmp_path: Path, code: str, limits: str, reason: str
) -> None:
    found = way.run(tmp_path, code, limits)
    told = way.verdict.read_text()
    assert told.startswith("Stopped by Zoe: it ")
    assert told.endswith(reason)
    # With any other, Prefect would report a crash of its own making.
    assert found.code == 0
    if "memory" in limits:
        assert int(told.split(" MB")[0].split()[-1]) < 250


def test_all_that_it_has_started_counts_and_goes_with_it(way: Way, tmp_path: Path) -> None:
    code = STARTS.replace("DOES", 'eaten = b"x" * 200_000_000; time.sleep(600)')
    process = way.start(tmp_path, code, "memory=180000000")
    found = finish(process)
    assert "of memory" in way.verdict.read_text()
    started = [Path(f"/proc/{pid}") for pid in found.output.split()]
    assert started
    wait_until(lambda: not any(map(Path.exists, started)), "their end")


def test_a_run_that_keeps_its_limits_ends_as_any_other(way: Way, tmp_path: Path) -> None:
    code = "import sys; eaten = b'x' * 50_000_000; print('well'); sys.exit(3)"
    found = way.run(tmp_path, code, "memory=300000000,cpu=60,time=600")
    assert (found.code, found.output) == (3, "well\n")
    assert not way.verdict.exists()
    found = way.run(tmp_path, "import os; os.kill(os.getpid(), 11)", "time=600")
    assert found.code == -signal.SIGSEGV


def test_open_files_and_niceness_are_the_run_s(way: Way, tmp_path: Path) -> None:
    found = way.run(tmp_path, TELLS, "open_files=99,nice=7")
    nice, files, ours = json.loads(found.output)
    assert (nice, files, ours) == (max(7, os.getpriority(os.PRIO_PROCESS, 0)), [99, 99], [])


def test_signals_reach_a_run_with_limits(way: Way, tmp_path: Path) -> None:
    process = way.start(tmp_path, "print('begun', flush=True)\n" + WAITS, "time=600")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    assert finish(process).code == -signal.SIGTERM


def test_a_run_with_limits_dies_with_its_launcher(way: Way, tmp_path: Path) -> None:
    process = way.start(tmp_path, "import os; print(os.getpid(), flush=True)\n" + WAITS, "time=600")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    finish(process)
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "the end of the run")


def test_where_nobody_reads_why_it_was_stopped_it_ends_as_killed(
    warm: Warm, tmp_path: Path
) -> None:
    for environment in (
        warm.environment(),
        warm.environment(**{protocol.VERDICT: str(tmp_path / "nowhere" / "verdict")}),
    ):
        process = warm.start(tmp_path, WAITS, "--limits", "time=1", env=environment)
        found = finish(process)
        assert found.code == -signal.SIGKILL
        assert "Stopped by Zoe: it ran for 1 s" in found.errors


def test_what_is_no_limit_is_refused(warm: Warm, tmp_path: Path) -> None:
    found = finish(warm.start(tmp_path, "print('ran')", "--limits", "memory=lots"))
    assert (found.code, found.output) == (2, "")
    assert "--limits memory=lots: " in found.errors
    assert MODULE not in found.errors
