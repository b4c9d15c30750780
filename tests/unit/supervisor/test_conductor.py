"""The real conductor below the real PID 1, with programs that beat or do not."""

from __future__ import annotations

import json
from contextlib import closing

from appliance.supervisor import health
from appliance.supervisor.conductor import observe
from appliance.supervisor.control import Control
from appliance.supervisor.probes import Finding
from tests.unit.supervisor.conftest import Appliance, conductor, program, python
from tests.unit.support import wait_until

BEATING = """
import os, signal, time
from appliance import heartbeat
from appliance.layout import Runtime
print("up")
while True:
    heartbeat.beat(Runtime.from_environment().heartbeat({name!r}))
    time.sleep(0.1)
"""
MUTE = "import signal; print('up'); signal.pause()"


def test_programs_start_when_it_is_their_turn_and_return_after_a_stop(
    appliance: Appliance,
) -> None:
    appliance.start(
        [
            program("deployer", python(BEATING.format(name="deployer")), 10, autostart=False),
            program("worker", python(BEATING.format(name="worker")), 20, autostart=False),
            conductor(),
        ],
        ready_seconds={"deployer": 60, "worker": 60},
    )
    appliance.wait_for("conductor", "all programs are ready")
    said = [line.rpartition(" | ")[2] for line in appliance.said("conductor")]
    assert [line.partition(" after ")[0] for line in said[:2]] == [
        "deployer is ready",
        "worker is ready",
    ]
    found = wait_until(lambda: _healthy(appliance), "the report says so, too")
    assert list(found.programs) == ["deployer", "worker"]
    first = found.programs["worker"].pid

    # Whoever stops a program by hand gets it back.
    with closing(Control(appliance.runtime)) as control:
        control.stop("worker")
    wait_until(
        lambda: (found := _healthy(appliance)) and found.programs["worker"].pid != first,
        "the worker is there again",
    )
    assert appliance.stop() == 0
    # Nothing was restarted while all was being stopped.
    assert not [line for line in appliance.said("conductor") if "restarting" in line]


def _healthy(appliance: Appliance) -> health.Health | None:
    found = health.read(appliance.runtime)
    return found if found and found.healthy else None


def test_program_that_never_becomes_ready_is_given_up(appliance: Appliance) -> None:
    appliance.start(
        [program("worker", python(MUTE), autostart=False), conductor()],
        ready_seconds={"worker": 0},
    )
    assert appliance.wait() == 1
    # What it was doing at its fifth end depends on the moment that the conductor looked.
    assert "gave up on worker: it ended 5 times before it was ready: " in appliance.lines[-1]
    assert json.loads(appliance.runtime.fatal_report.read_text())["program"] == "worker"
    assert any("it was not ready within 0 s: is starting" in line for line in appliance.lines)


# Says what is wrong with it, and ends as soon as the conductor has seen that it was there.
DOOMED = """
import os, pathlib, sys, time
print("the cause is here")
seen = pathlib.Path({report!r})
while not (seen.exists() and str(os.getpid()) in seen.read_text()):
    time.sleep(0.05)
sys.exit(3)
"""


def test_the_last_word_is_that_of_the_program_that_was_given_up(appliance: Appliance) -> None:
    doomed = DOOMED.format(report=str(appliance.runtime.health_report))
    appliance.start(
        [program("worker", python(doomed), autostart=False), conductor()],
        ready_seconds={"worker": 60},
    )
    assert appliance.wait() == 1
    last = appliance.lines[-1]
    assert "gave up on worker: it ended 5 times before it was ready: " in last
    assert last.endswith("its last line was: the cause is here")


def test_only_a_program_that_is_up_is_probed() -> None:
    probed: list[int] = []

    def probe(pid: int) -> Finding:
        probed.append(pid)
        return Finding(alive=True, ready=True)

    processes = {
        "a": {"statename": "RUNNING", "pid": 5},
        "b": {"statename": "BACKOFF", "pid": 0},
        "c": {"statename": "STOPPED", "pid": 0},
        "d": {"statename": "UNKNOWN", "pid": 0},
    }
    seen = observe(processes, dict.fromkeys(processes, probe))
    assert probed == [5]
    assert seen["a"].ready
    assert {name: seen[name].detail for name in "bcd"} == {
        "b": "ended right after its start and is tried again",
        "c": "waits for the programs before it",
        "d": "is in state UNKNOWN",
    }
