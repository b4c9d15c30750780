"""PID 1 as it is, with tiny programs instead of Prefect's."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from appliance.layout import Layout, Runtime
from appliance.supervisor import configuration
from appliance.supervisor.programs import CONDUCTOR, Program
from tests.unit.support import wait_until

PR_SET_CHILD_SUBREAPER = 36


def python(code: str) -> tuple[str, ...]:
    """A command that runs Python code; supervisord's configuration has no room for its lines."""
    packed = base64.b64encode(code.encode()).decode()
    return (sys.executable, "-u", "-c", f"exec(__import__('base64').b64decode('{packed}'))")


def program(
    name: str,
    command: Sequence[str],
    priority: int = 10,
    *,
    autostart: bool = True,
    stop_seconds: int = 5,
) -> Program:
    return Program(
        name=name,
        command=tuple(command),
        priority=priority,
        autostart=autostart,
        start_seconds=0,
        ready_seconds=60,
        stop_seconds=stop_seconds,
    )


def conductor() -> Program:
    command = (sys.executable, "-m", "appliance.supervisor.conductor")
    return program(CONDUCTOR, command, 999, stop_seconds=1)


class Appliance:
    """A running PID 1 and what it says."""

    def __init__(self, root: Path) -> None:
        self.runtime = Runtime(root / "run")
        self.layout = Layout(root / "data")
        self._stdout = root / "stdout"
        self._stderr = root / "stderr"
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        programs: Sequence[Program],
        *,
        edit: Callable[[str], str] = str,
        ready_seconds: dict[str, int] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Start it as the parent of orphans, as PID 1 of a container is.

        Args:
            programs: What it runs.
            edit: A last change of supervisord's configuration.
            ready_seconds: The conductor's plan.
            environment: More variables.
        """
        self.runtime.root.mkdir(exist_ok=True)
        self.layout.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.runtime.supervisor_configuration.write_text(
            edit(configuration.render(programs, self.runtime))
        )
        self.runtime.plan.write_text(
            json.dumps({"ready_seconds": ready_seconds or {}, "data": str(self.layout.data)})
        )
        become_subreaper = (
            "import ctypes, os, sys;"
            f"ctypes.CDLL(None).prctl({PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0);"
            "os.execv(sys.executable, [sys.executable, '-m', 'appliance.supervisor', sys.argv[1]])"
        )
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", become_subreaper, str(self.layout.data)],
                env={
                    **os.environ,
                    "ZOE_RUNTIME_DIR": str(self.runtime.root),
                    **(environment or {}),
                },
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def lines(self) -> list[str]:
        return self._stdout.read_text(encoding="utf-8").splitlines()

    @property
    def errors(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    def said(self, name: str) -> list[str]:
        """What one program has written so far."""
        prefix = f"{name:<10} | "
        return [line.removeprefix(prefix) for line in self.lines if line.startswith(prefix)]

    def wait_for(self, name: str, words: str) -> str:
        """Wait until a program has said something; return the whole line."""

        def find() -> str | None:
            ended = self.process is None or self.process.poll() is not None
            found = next((line for line in self.said(name) if words in line), None)
            return found or ("" if ended else None)

        line = wait_until(lambda: (found := find()) is not None and [found], "it says so")[0]
        if not line:
            pytest.fail(f"{name} never said {words!r}:\n" + "\n".join(self.lines) + self.errors)
        return str(line)

    def has_ended_after(self, number: signal.Signals) -> bool:
        """Send a signal; tell whether there was nobody left to take it."""
        self.signal(number)
        assert self.process
        return self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code once it has ended by itself."""
        assert self.process
        return self.process.wait(30)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    made = Appliance(tmp_path)
    yield made
    if made.process and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(30)
