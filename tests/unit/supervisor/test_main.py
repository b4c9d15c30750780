"""The real PID 1 with tiny programs: order, exit codes, orphans, last words."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.supervisor.__main__ import Wakeup
from tests.unit.supervisor.conftest import Appliance, program, python
from tests.unit.support import wait_until

# Says that it is up, and on SIGTERM that it ends, without a line break at the very end.
POLITE = """
import signal, sys
def end(*_):
    sys.stdout.write("ending\\nbye")
    sys.stdout.flush()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up")
while True:
    signal.pause()
"""


def single_try(text: str) -> str:
    """Three more tries would take six seconds."""
    return text.replace("startretries=3", "startretries=0").replace("startsecs=0", "startsecs=5")


def test_programs_stop_in_reverse_order_and_the_exit_code_is_0(appliance: Appliance) -> None:
    names = ["first", "second", "third"]
    appliance.start([program(name, python(POLITE), 10 + i) for i, name in enumerate(names)])
    for name in names:
        appliance.wait_for(name, "up")
    assert appliance.stop() == 0

    words = [line for line in appliance.lines if "ending" in line or "bye" in line]
    assert words == [
        f"{name:<10} | {word}" for name in reversed(names) for word in ("ending", "bye")
    ]
    assert appliance.lines[-1].endswith("| INFO    | stopped")
    assert appliance.layout.log_file.read_text() == "\n".join(appliance.lines) + "\n"
    assert not appliance.runtime.supervisor_socket.exists()
    assert appliance.errors == ""


@pytest.mark.alone
def test_stop_does_not_wait_for_supervisord_s_next_turn(appliance: Appliance) -> None:
    # Its loop turns once a second and stops one program a turn, unless SIGCHLD wakes it.
    count = 8
    appliance.start([program(f"p{i}", ("/bin/sleep", "1000"), i + 1) for i in range(count)])
    appliance.wait_for("zoe", f"spawned: 'p{count - 1}'")
    began = time.monotonic()
    assert appliance.stop() == 0
    assert time.monotonic() - began < count / 2


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    before = signal.set_wakeup_fd(-1)
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    made = Wakeup()
    yield made
    os.close(signal.set_wakeup_fd(before))
    os.close(made.fd)
    signal.signal(signal.SIGUSR1, handler)


def test_event_loop_wakes_at_its_start_and_with_each_signal(wakeup: Wakeup) -> None:
    # Its first wait would delay the first program by a second.
    assert _is_readable(wakeup)
    wakeup.handle_read_event()
    assert not _is_readable(wakeup)
    signal.raise_signal(signal.SIGUSR1)
    assert _is_readable(wakeup)
    wakeup.handle_read_event()
    assert not _is_readable(wakeup)


def _is_readable(wakeup: Wakeup) -> bool:
    return bool(select.select([wakeup.fd], [], [], 0)[0])


def test_program_that_ignores_the_signal_is_killed(appliance: Appliance) -> None:
    stubborn = python(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up');"
        "[signal.pause() for _ in iter(int, 1)]"
    )
    appliance.start([program("stubborn", stubborn, stop_seconds=1)])
    appliance.wait_for("stubborn", "up")
    assert appliance.stop() == 0
    assert appliance.said("zoe")[-1].endswith("stopped")


def test_program_that_cannot_stay_up_ends_all_with_its_cause(appliance: Appliance) -> None:
    broken = python("import sys; print('the cause is here', end=''); sys.exit(3)")
    appliance.start(
        [program("broken", broken), program("other", python(POLITE), 5)], edit=single_try
    )
    assert appliance.wait() == 1
    last = appliance.lines[-1]
    assert "gave up on broken: it ended 4 times within 5 s of its start" in last
    assert last.endswith("its last line was: the cause is here")
    assert "ERROR" in last
    assert sum("gave up on broken" in line for line in appliance.lines) == 1


@pytest.mark.parametrize("startsecs", [0, 5], ids=["after its start", "while it starts"])
def test_mistake_of_the_operator_ends_all_at_once_with_exit_code_2(
    appliance: Appliance, startsecs: int
) -> None:
    mistaken = python("import sys; print('ZOE_X is wrong; mend it'); sys.exit(2)")
    appliance.start(
        [program("mistaken", mistaken), program("other", python(POLITE), 5)],
        edit=lambda text: text.replace("startsecs=0", f"startsecs={startsecs}"),
    )
    assert appliance.wait() == 2
    assert sum("ZOE_X" in line for line in appliance.said("mistaken")) == 1
    assert "gave up on mistaken: it must be set right first" in appliance.lines[-1]
    assert appliance.lines[-1].endswith("its last line was: ZOE_X is wrong; mend it")


def test_exit_code_2_of_postgres_is_no_verdict(appliance: Appliance) -> None:
    code = "import sys, time; print('up'); time.sleep(0.1); sys.exit(2)"
    appliance.start([program("database", python(code))])
    wait_until(lambda: len(appliance.said("database")) > 1, "it is started again")
    assert appliance.stop() == 0


def test_program_that_is_not_there_ends_all_with_its_cause(appliance: Appliance) -> None:
    appliance.start([program("absent", ("/nowhere/absent",))], edit=single_try)
    assert appliance.wait() == 1
    assert "gave up on absent: can't find command '/nowhere/absent'" in appliance.lines[-1]


def test_last_words_without_a_line_break_are_written_when_the_program_ends(
    appliance: Appliance,
) -> None:
    # It is up long enough to count as started, and is started again after its end.
    code = "import os, time; print(f'{os.getpid()} last words', end=''); time.sleep(0.1)"
    appliance.start([program("brief", python(code)), program("other", python(POLITE))])
    first = appliance.wait_for("brief", "last words")
    assert first.split()[1:] == ["last", "words"]
    wait_until(lambda: len(appliance.said("brief")) > 1, "it is started again")
    assert appliance.said("brief")[1] != first


def test_orphans_are_reaped(appliance: Appliance) -> None:
    code = """
import os, signal
def orphan():
    if os.fork() == 0:
        os._exit(0)
child = os.fork()
if child == 0:
    grandchild = os.fork()
    if grandchild:
        print("orphan", grandchild)
        os._exit(0)
    signal.pause()
os.waitpid(child, 0)
print("done")
signal.pause()
"""
    appliance.start([program("parent", python(code))])
    pid = int(appliance.wait_for("parent", "orphan").split()[1])
    appliance.wait_for("parent", "done")
    # It has been handed to our PID 1; once it has ended, no zombie is left of it.
    status = Path(f"/proc/{pid}/status")
    wait_until(lambda: f"PPid:\t{appliance.pid}\n" in status.read_text(), "PID 1 adopts the orphan")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not status.exists(), "the orphan is reaped")


def test_hangup_reads_the_settings_anew_in_the_same_process(appliance: Appliance) -> None:
    # With a setting that `zoe run` refuses, to see that it was asked.
    appliance.start(
        [program("one", python(POLITE))],
        environment={"ZOE_PORT": "not-a-port"},
    )
    appliance.wait_for("one", "up")
    appliance.signal(signal.SIGHUP)
    assert appliance.wait() == 2
    assert appliance.said("one")[-2:] == ["ending", "bye"]
    assert appliance.errors.startswith("zoe: ZOE_PORT 'not-a-port' is not valid")


def test_quit_leaves_no_core_file(appliance: Appliance) -> None:
    appliance.start([program("one", python(POLITE))])
    appliance.wait_for("one", "up")
    appliance.signal(signal.SIGQUIT)
    assert appliance.stop() == 0


def test_asking_again_does_not_change_the_exit_code(appliance: Appliance) -> None:
    appliance.start([program("one", python(POLITE))])
    appliance.wait_for("one", "up")
    # Until the very last moment, when Python is taking itself apart.
    while not appliance.has_ended_after(signal.SIGTERM):
        time.sleep(0.001)
    assert appliance.wait() == 0


def test_health_report_goes_first(appliance: Appliance) -> None:
    # While programs stop, the report of a moment ago would still call all of them ready.
    slow = python(
        f"import pathlib, signal, sys\n"
        f"report = pathlib.Path({str(appliance.runtime.health_report)!r})\n"
        "def end(*_):\n"
        "    print('report', report.exists())\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "report.write_text('{}')\n"
        "print('up')\n"
        "signal.pause()\n"
    )
    appliance.start([program("one", slow)])
    appliance.wait_for("one", "up")
    appliance.stop()
    assert "report False" in appliance.said("one")
