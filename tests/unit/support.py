"""What several unit tests share; nothing here stands in for the code under test."""

from __future__ import annotations

import json
import os
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from appliance.credentials import Credentials
from appliance.settings import Settings

NOBODY = 65534
NO_CREDENTIALS = Credentials(None, None)


def make_settings(**values: Any) -> Settings:
    """Settings from Python values, checked as those of an operator are."""
    return Settings(**values)


def credentials_of(user: str, password: str) -> Credentials:
    return Credentials(SecretStr(f"{user}:{password}"), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """Return the condition's first true value; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def unprivileged(function: Callable[[], Any]) -> Any:
    """Return what a function returns in a process that no permission is waived for.

    Tests may run as root, who reads and writes everything; then the fork becomes nobody.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.write(write_end, json.dumps(function()).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        answer = answers.read()
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the fork raised; see its traceback above"
    return json.loads(answer)
