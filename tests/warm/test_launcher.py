"""Whoever started the launcher need not know that the work is done elsewhere."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from appliance.worker.warm import launcher, protocol
from appliance.worker.warm.request import receive
from tests.unit.support import wait_until
from tests.warm.conftest import Warm, cold, finish, kept

# Says its number, then waits.
WAITS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def begun(process: subprocess.Popen[str]) -> int:
    """Return the process id that a flow run prints first."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "import sys; sys.exit(3)",
        "import sys; sys.exit(-1)",
        "import sys; sys.exit('a word')",
        "import os; os._exit(4)",
        "raise ValueError('oh')",
        "raise KeyboardInterrupt",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "import os; os.abort()",
        "import syntax_error_of_a_module_that_is_not_there",
        "print('no end of line', end=''); import sys; sys.stderr.write('x'); sys.exit(True)",
        "import threading as t, time; t.Thread(target=lambda: (time.sleep(.1), print(1))).start()",
        "import subprocess; print(subprocess.run(['sh', '-c', 'echo $0; exit 7']).returncode)",
    ],
)
def test_end_is_that_of_a_cold_run(warm: Warm, tmp_path: Path, code: str) -> None:
    by_fork, alone = warm.run(tmp_path, code), cold(tmp_path, code)
    assert (by_fork.code, by_fork.output) == (alone.code, alone.output)
    # The traceback of a cold run has two frames of `runpy` before what counts.
    assert by_fork.errors.splitlines()[-1:] == alone.errors.splitlines()[-1:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signal_reaches_the_run_and_its_death_is_ours(
    warm: Warm, tmp_path: Path, number: signal.Signals
) -> None:
    process = warm.start(tmp_path, WAITS)
    child = begun(process)
    process.send_signal(number)
    assert finish(process).code == -number
    wait_until(lambda: is_gone(child), "the end of the run")


def test_template_that_was_born_deaf_makes_no_deaf_runs(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with kept() as warm:
            process = warm.start(tmp_path, WAITS)
            begun(process)
            process.send_signal(signal.SIGHUP)
            assert finish(process).code == -signal.SIGHUP
    finally:
        signal.signal(signal.SIGHUP, before)


def test_run_may_handle_a_signal_and_end_as_it_likes(warm: Warm, tmp_path: Path) -> None:
    code = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("caught", flush=True), sys.exit(5)))
print(os.getpid(), flush=True)
time.sleep(600)
"""
    process = warm.start(tmp_path, code)
    begun(process)
    process.terminate()
    found = finish(process)
    assert (found.code, found.output) == (5, "caught\n")


def test_run_dies_with_a_killed_launcher(warm: Warm, tmp_path: Path) -> None:
    process = warm.start(tmp_path, "import signal; signal.signal(15, signal.SIG_IGN)\n" + WAITS)
    child = begun(process)
    process.kill()
    finish(process)
    wait_until(lambda: is_gone(child), "the end of the run")


def test_group_of_the_launcher_is_the_run_s(warm: Warm, tmp_path: Path) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '600']); " + WAITS
    process = warm.start(tmp_path, code, process_group=0)
    child = begun(process)
    os.killpg(process.pid, signal.SIGKILL)
    # `sleep` holds the output open, too.
    finish(process)
    wait_until(lambda: is_gone(child), "the end of the run")


def test_killed_template_costs_no_run_its_end(warm: Warm, tmp_path: Path) -> None:
    codes = {
        "print(input()); import sys; sys.exit(6)": 6,
        "input(); import os, signal; os.kill(os.getpid(), signal.SIGTERM)": -signal.SIGKILL,
    }
    runs = [
        (warm.start(tmp_path, "print(1, flush=True); " + code, stdin=subprocess.PIPE), code)
        for code in list(codes)[:1]
    ]
    begun(runs[0][0])
    second = tmp_path / "second"
    second.mkdir()
    code = list(codes)[1]
    runs.append((warm.start(second, "print(1, flush=True); " + code, stdin=subprocess.PIPE), code))
    begun(runs[1][0])
    os.kill(warm.pid(), signal.SIGKILL)
    for process, code in runs:
        process.communicate("go on\n", timeout=60)
        assert process.returncode == codes[code]
    # And there is another for those that come.
    wait_until(lambda: warm.run(tmp_path, "print('again')").output == "again\n", "another template")


@pytest.mark.parametrize("address", ["", "nobody-listens-here"])
def test_without_a_template_the_run_starts_cold(tmp_path: Path, address: str) -> None:
    warm = Warm(tmp_path / address, None)  # type: ignore[arg-type]  # there is none
    environment = warm.environment(PREFECT_HOME=str(tmp_path))
    if not address:
        del environment[protocol.ADDRESS]
    process = subprocess.Popen(
        warm.command("no-id"), env=environment, stderr=subprocess.PIPE, text=True
    )
    errors = finish(process).errors
    assert errors.startswith("WARNING: there is no warm template, the flow run starts cold: ")
    # Prefect's engine itself says so.
    assert "Invalid flow run id" in errors
    assert process.returncode == 1


def test_socket_s_address_is_no_flow_s_business(warm: Warm, tmp_path: Path) -> None:
    code = "import os; print([name for name in os.environ if name.startswith('ZOE_')])"
    assert warm.run(tmp_path, code).output == "[]\n"


def test_many_at_once_each_get_their_own(warm: Warm, tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1]); sys.exit(int(sys.argv[1]))"
    processes = [warm.start(tmp_path, code, str(number)) for number in range(20)]
    for number, process in enumerate(processes):
        found = finish(process)
        assert (found.code, found.output) == (number, f"{number}\n")
    children = Path(f"/proc/{warm.pid()}/task/{warm.pid()}/children")
    wait_until(lambda: children.read_text() == "", "no zombies")
    assert len(list(Path(f"/proc/{warm.pid()}/fd").iterdir())) == 5


def test_nothing_is_sent_after_all_that_is_to_be_sent() -> None:
    """A run that was quick may have hung up, and a send of nothing fails then."""

    class HasHungUp:
        def sendmsg(self, parts: list[bytes], _rights: object) -> int:
            return len(parts[0])

        def sendall(self, _: bytes) -> None:
            raise BrokenPipeError

    launcher.send(HasHungUp(), b"request", [])  # type: ignore[arg-type]  # as much of a socket


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param([(protocol.BEGUN, 0), (protocol.LEAVING, 5)], 5, id="said how it ends"),
        pytest.param([(protocol.BEGUN, 0)], -signal.SIGKILL, id="did not say"),
        pytest.param([], None, id="never began"),
    ],
)
def test_what_has_begun_is_not_begun_again(
    tmp_path: Path, answers: list[tuple[bytes, int]], code: int | None
) -> None:
    """A template that dies at the fork, and a child that is gone before anybody has looked."""
    address = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(address))
        listener.listen()
        process = Warm(address, None).start(tmp_path, "pass")  # type: ignore[arg-type]  # has none
        connection, _ = listener.accept()
        with connection:
            for descriptor in receive(connection).descriptors:
                os.close(descriptor)
            gone = subprocess.Popen(["true"])
            gone.wait()
            for letter, value in answers:
                pid = gone.pid if letter == protocol.BEGUN else value
                connection.sendall(protocol.answer(letter, pid))
    found = finish(process)
    if code is None:
        assert "the flow run starts cold: it has hung up" in found.errors
    else:
        assert (found.code, found.errors) == (code, "")
