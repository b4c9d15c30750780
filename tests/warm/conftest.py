"""A template whose flow runs are any Python code, and the same code started cold beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import appliance
from appliance.worker.warm import keeper, protocol
from tests.unit.support import wait_until

ROOT = Path(appliance.__file__).parent.parent
MODULE = "what_to_run"
# The real template, except that it imports nothing, and that it runs a module of the tests'.
TEMPLATE = f"""
import sys
from appliance.worker.warm import __main__ as template
template.engine.NEEDED = "os"
template.engine.PRELOADED = ()
template.engine.NAME = "{MODULE}"
template.engine.refresh = lambda *_: None
request = template.main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
if request is not None:
    template.engine.run(request.arguments, template._ENDING.note)
"""
LAUNCHER = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from appliance.worker.warm.launcher import main
main()
"""


def launcher() -> list[str]:
    """Return the command `zoe-flow-run`."""
    return [sys.executable, "-I", "-S", "-c", LAUNCHER]


@dataclass
class Warm:
    """A kept template."""

    address: Path
    keeper: keeper.Keeper
    said: list[str] = field(default_factory=list)

    def pid(self) -> int:
        """Return the template's process."""
        return self.keeper.processes[-1].pid

    def command(self, *arguments: str) -> list[str]:
        return [*launcher(), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, protocol.ADDRESS: str(self.address), **more}

    def start(
        self, directory: Path, code: str, *arguments: str, **options: Any
    ) -> subprocess.Popen[str]:
        """Start a launcher for this code; options are those of `subprocess.Popen`."""
        _write(directory / f"{MODULE}.py", code)
        options.setdefault("env", self.environment())
        return _popen(self.command(*arguments), directory, **options)

    def run(self, directory: Path, code: str, **options: Any) -> Finished:
        return finish(self.start(directory, code, **options))


@dataclass(frozen=True)
class Finished:
    code: int
    output: str
    errors: str


def cold(directory: Path, code: str, **options: Any) -> Finished:
    """Run the same in an interpreter of its own."""
    _write(directory / f"{MODULE}.py", code)
    # Not what libraries have put into the environment behind Python's back.
    options.setdefault("env", dict(os.environ))
    return finish(_popen([sys.executable, "-m", MODULE], directory, **options))


def _write(path: Path, code: str) -> None:
    # A run that was just started may be reading it.
    if not path.exists() or path.read_text(encoding="utf-8") != code:
        path.write_text(code, encoding="utf-8")


def heed_signals() -> None:
    """Begin as from a shell, wherever these tests were started: `nohup` and `&` make deaf."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def finish(process: subprocess.Popen[str]) -> Finished:
    output, errors = process.communicate(timeout=60)
    return Finished(process.returncode, output or "", errors or "")


def _popen(command: Sequence[str], directory: Path, **options: Any) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    options = {**pipes, "preexec_fn": heed_signals, **options}
    return subprocess.Popen(command, cwd=directory, text=True, **options)


@contextmanager
def kept(modules: Sequence[str] = (), code: str = TEMPLATE) -> Iterator[Warm]:
    """Keep a template in a thread of its own."""
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="zoe-") as directory, pytest.MonkeyPatch.context() as m:
        m.setattr(keeper, "ARGUMENTS", ("-c", code))
        m.setattr(keeper, "PAUSE_SECONDS", (0.1, 1.0))
        address = Path(directory) / "socket"
        found = keeper.Keeper(address, modules, lambda text, level: said.append(f"{level} {text}"))
        loop = asyncio.new_event_loop()
        task = loop.create_task(found.keep())

        def work() -> None:
            with pytest.raises(asyncio.CancelledError):
                loop.run_until_complete(task)
            loop.close()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield Warm(address, found, said)
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()
            wait_until(lambda: all(p.poll() is not None for p in found.processes), "their end")


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    """One template for the tests of a module."""
    with kept() as found:
        yield found
