"""Keeps a template of one Python environment alive, for as long as it is wanted."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path

import appliance
from appliance.worker.warm import protocol

# Prefect and what is preloaded, on a machine that is busy.
READY_SECONDS = 60.0
# A template that lasted less has something the matter with it.
SOUND_SECONDS = 10.0
# How long to let runs start cold after one of those; doubled up to the last.
PAUSE_SECONDS = (1.0, 60.0)
BACKLOG = 1024
ARGUMENTS = ("-m", "appliance.worker.warm")
# Within the worker's own time to end; see `appliance.worker.drain`.
GOODBYE_SECONDS = 0.1

Say = Callable[[str, str], None]


class End(Enum):
    """Why there is no template any more."""

    FOLLOWED = auto()
    FAILED = auto()
    UNUSED = auto()


class Keeper:
    """Starts a template, and the next one when it has gone.

    The socket is ours: who connects while one template follows another is served by the next.

    Args:
        address: The path of the socket; at most 107 bytes. (unix(7))
        modules: What to import besides.
        say: Told what happens.
        environment: What every flow run will have in its environment besides our own; what the
            template knows of Prefect's settings already need not be read again by each run.
        python: The interpreter, whose environment may hold another Prefect but no Zoe.
        idle_seconds: How long to keep one that nobody uses; 0 for ever. So long, too, are new ones
            tried in place of one that fails.
    """

    def __init__(
        self,
        address: Path,
        modules: Sequence[str],
        say: Say,
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
        idle_seconds: float = 0,
    ) -> None:
        self._address = address
        self._modules = list(modules)
        self._say = say
        self._more_environment = environment or {}
        self._python = python
        self._idle_seconds = idle_seconds
        self._without_modules = False
        # The last is in service, or has failed; the others wait for their last flow run.
        self.processes: list[subprocess.Popen[bytes]] = []

    async def keep(self) -> None:
        """Do so until cancelled, or until it is not wanted any more."""
        pause, longest = PAUSE_SECONDS
        worked = time.monotonic()
        try:
            while True:
                began = time.monotonic()
                try:
                    with self._listening() as listener:
                        is_unused = await self._serve(listener) is End.UNUSED
                    if is_unused:
                        return await self._see_it_end()
                except OSError as error:
                    self._say(f"no template can be started: {error}", "WARNING")
                if time.monotonic() - began > longest:
                    pause = PAUSE_SECONDS[0]
                    worked = time.monotonic()
                if self._idle_seconds and time.monotonic() - worked > self._idle_seconds:
                    return await self._see_it_end()
                self._say(f"no template for {pause:g} s: flow runs start cold", "WARNING")
                await asyncio.sleep(pause)
                pause = min(longest, 2 * pause)
        finally:
            self._address.unlink(missing_ok=True)
            await self._wait_for_the_last()

    @contextmanager
    def _listening(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            self._address.unlink(missing_ok=True)
            listener.bind(str(self._address))
            self._address.chmod(0o600)
            listener.listen(BACKLOG)
            yield listener

    async def _serve(self, listener: socket.socket) -> End:
        """Run one template after the other until none follows."""
        while (end := await self._run_template(listener)) is End.FOLLOWED:
            continue
        return end

    def _start(self, listener: int, service: int) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._more_environment}
        # Each flow run has its own; see `frozen.search_path`.
        for name in (protocol.ADDRESS, "PYTHONPATH"):
            environment.pop(name, None)
        return subprocess.Popen(
            [
                *(self._python, *ARGUMENTS),
                *(str(listener), str(service), str(self._idle_seconds)),
                *([] if self._without_modules else self._modules),
            ],
            cwd=Path(appliance.__file__).parent.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=(listener, service),
            # A flow that signals its whole group does not mean the others.
            process_group=0,
        )

    async def _see_it_end(self) -> None:
        """Wait for the last template, which has no flow run, or it would stay as a zombie."""
        if self.processes:
            await asyncio.to_thread(self.processes[-1].wait)

    async def _wait_for_the_last(self) -> None:
        """Wait a moment for the templates to end; those with flow runs stay as long as these."""
        deadline = time.monotonic() + GOODBYE_SECONDS
        while any(one.poll() is None for one in self.processes):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.01)

    async def _is_ready(self, service: int) -> bool:
        """Wait for a template's word; one that hangs is killed."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                return bool(await _read(service))
        except TimeoutError:
            self._say(f"the template was not ready after {READY_SECONDS:g} s", "WARNING")
            self.processes[-1].kill()
            return False

    def _has_dropped_modules(self) -> bool:
        """Do without them the next time, and with them again after that."""
        if not self._modules or self._without_modules:
            return False
        self._say("trying without the modules of ZOE_PRELOAD", "WARNING")
        self._without_modules = True
        return True

    async def _run_template(self, listener: socket.socket) -> End:
        """Run one until it goes; tell whether the next may follow at once."""
        # Also those that have failed, for somebody must ask after them.
        self.processes = [one for one in self.processes if one.poll() is None]
        read_end, write_end = os.pipe()
        try:
            began = time.monotonic()
            try:
                self.processes.append(self._start(listener.fileno(), write_end))
            finally:
                os.close(write_end)
            if not await self._is_ready(read_end):
                return End.FOLLOWED if self._has_dropped_modules() else End.FAILED
            self._without_modules = False
            self._say(f"flow runs start warm ({time.monotonic() - began:.1f} s)", "INFO")
            match await _read(read_end):
                case protocol.UNUSED:
                    return End.UNUSED
                case protocol.OUTDATED:
                    return End.FOLLOWED
                case _:
                    is_sound = time.monotonic() - began > SOUND_SECONDS
                    return End.FOLLOWED if is_sound else End.FAILED
        finally:
            # The template retires at that, if it has not done so by itself.
            os.close(read_end)


async def _read(descriptor: int) -> bytes:
    """Return what can be read next; nothing at the end."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 1)
