from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator

import pytest

from appliance.supervisor import forking

taken: list[int] = []


@pytest.fixture(autouse=True)
def supervisord_s_handlers() -> Iterator[None]:
    """Take signals as supervisord does, and leave no core file of those that would make one."""
    taken.clear()
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    before = {
        number: signal.signal(number, lambda got, _: taken.append(got))
        for number in forking.HANDLED
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.parametrize("number", forking.HANDLED)
def test_a_signal_before_the_program_is_there_ends_the_child(number: signal.Signals) -> None:
    pid = forking.fork()
    if pid == 0:
        # What a slow disk makes of the way to the program.
        time.sleep(60)
        os._exit(0)
    os.kill(pid, number)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -number


def test_the_parent_goes_on_taking_its_own() -> None:
    pid = forking.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert taken == [signal.SIGTERM]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
