"""A cancellation that nobody carried out is carried out, with its process and on record."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.worker import overdue
from appliance.worker.attendance import Attendance
from appliance.worker.ledger import Ledger
from appliance.worker.overdue import PATIENCE_SECONDS, Overdue, cancel
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
SLEEP = "print('up', flush=True); time.sleep(3600)"


@contextmanager
def process(*, deaf: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    code = f"{DEAF if deaf else 'import time'}; {SLEEP}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout
            assert started.stdout.readline() == b"up\n"
            yield started
        finally:
            started.kill()


def test_prefect_has_its_time_first_and_what_ended_is_forgotten() -> None:
    waiting = Overdue()
    assert waiting.among(["a"], 0) == []
    assert waiting.among(["a", "b"], PATIENCE_SECONDS - 1) == []
    assert waiting.among(["a", "b"], PATIENCE_SECONDS) == ["a"]
    assert waiting.among([], PATIENCE_SECONDS + 1) == []
    assert waiting.among(["a"], 10 * PATIENCE_SECONDS) == []


@pytest.mark.parametrize(("deaf", "number"), [(False, signal.SIGTERM), (True, signal.SIGKILL)])
def test_the_process_ends_and_all_is_cancelled(
    real_server: RealServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    deaf: bool,
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(overdue, "TERMINATE_SECONDS", 0.2 if deaf else 20)
    with closing(real_server.api()) as api, process(deaf=deaf) as started:
        run = runs.flow_run(api, "CANCELLING")
        task = runs.task_run(api, run)
        cancel(api, Ledger(tmp_path).note(run, started.pid))
        assert started.wait(20) == -number
        assert runs.state_of(api, run) == "CANCELLED"
        assert runs.state_of(api, task, "task_runs") == "CANCELLED"


def test_a_round_of_the_attendance_sees_to_it(
    real_server: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "PATIENCE_SECONDS", 0)
    ledger = Ledger(tmp_path)
    with closing(real_server.api()) as api, process() as started:
        cancelling = runs.flow_run(api, "CANCELLING")
        ledger.note(cancelling, started.pid)
        Attendance(api, ledger, 1).show([cancelling], everyone=True)
        assert started.wait(20) == -signal.SIGTERM
        assert runs.state_of(api, cancelling) == "CANCELLED"
