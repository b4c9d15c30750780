"""Wait for a program that may take long, with signs of life and a limit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import AnyStr

BEAT_SECONDS = 3.0


def output_of(
    process: subprocess.Popen[AnyStr], seconds: float, beat: Callable[[], None]
) -> tuple[AnyStr, AnyStr]:
    """Return what a process printed and what it complained of, once it has ended.

    Args:
        process: It leads a session of its own; nothing of that is left running.
        seconds: After so many it is ended.
        beat: Called every few seconds meanwhile.

    Raises:
        TimeoutError: It was ended.
    """
    until = time.monotonic() + seconds
    try:
        while True:
            beat()
            try:
                return process.communicate(timeout=BEAT_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() > until:
                    raise TimeoutError from None
    finally:
        # Its helpers as well, which may be at work when it is not.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
