from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.doctor import clock
from appliance.doctor.finding import Level
from appliance.supervisor.health import Health, ProgramHealth
from tests.unit.doctor.conftest import MakePatient

HOUR = 3600


@pytest.fixture
def started() -> Iterator[tuple[int, float]]:
    """A process and the wall time of its start."""
    began = time.time()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid, began
        process.kill()


def test_a_clock_that_nobody_set(started: tuple[int, float]) -> None:
    assert clock.jumped({"server": started}, time.time()) == {}


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_was_set(started: tuple[int, float], jump: int) -> None:
    found = clock.jumped({"server": started, "gone": (2**22 + 1, 0.0)}, time.time() + jump)
    assert found == {"server": pytest.approx(jump, abs=5)}


def test_a_jump_is_told(make_patient: MakePatient, started: tuple[int, float]) -> None:
    pid, began = started
    program = ProgramHealth("RUNNING", pid, began, ready=True, detail="")
    patient = make_patient(Health({"server": program}, time.monotonic()))
    assert list(clock.look(patient)) == []
    (finding,) = clock.look(replace(patient, now=patient.now + HOUR))
    assert "set forward by 60 min since server started" in finding.what


def test_a_clock_older_than_our_own_files(make_patient: MakePatient) -> None:
    patient = make_patient()
    patient.layout.stamp.write_text("{}")
    assert list(clock.look(patient)) == []
    os.utime(patient.layout.stamp, (0, time.time() + 2 * HOUR))
    (finding,) = clock.look(patient)
    assert "behind the newest file" in finding.what


@pytest.mark.parametrize(
    ("ahead", "level", "said"),
    [
        (0.4, Level.OK, "agrees"),
        (-9.0, Level.OK, "agrees"),
        (300.0, Level.WARNING, "5 min ahead of the server's"),
        (-300.0, Level.WARNING, "5 min behind the server's"),
    ],
)
def test_clocks_are_compared(ahead: float, level: Level, said: str) -> None:
    finding = clock.compare("the server", ahead)
    assert finding.level is level
    assert said in finding.what
