"""The templates of a worker: that of its own environment, and of each other one that is wanted.

The first flow run of another Python environment starts cold; its launcher asks for a template, and
the next run finds it. One that has not been used for a while goes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

from appliance.log import say
from appliance.worker.warm import protocol
from appliance.worker.warm.keeper import Keeper, Say

# Each template holds some 80 MB (PSS), of which its flow runs share the most part.
MOST = 8
IDLE_SECONDS = 900.0
# Longer than any path. (limits.h, PATH_MAX)
_DATAGRAM = 4096


@asynccontextmanager
async def keeping(
    address: Path,
    modules: Sequence[str],
    environment: Mapping[str, str] | None = None,
    say: Say = say,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncIterator[Environments]:
    """Keep templates, and tell the flow runs of this process where.

    It never fails: without a template flow runs start cold.

    Args:
        address: The path of the socket of our own environment's; at most 70 bytes, for those of
            others are longer.
        modules: What to import besides.
        environment: What every flow run will have in its environment besides our own.
        say: Told what happens.
        idle_seconds: How long to keep one of another environment that nobody uses.
    """
    environments = Environments(address, modules, environment or {}, say, idle_seconds)
    os.environ[protocol.ADDRESS] = str(address)
    try:
        with environments.hearing():
            yield environments
    finally:
        os.environ.pop(protocol.ADDRESS, None)
        await environments.close()


class Environments:
    """Keepers by the paths of their sockets.

    Args:
        address: See `keeping`.
        modules: See `keeping`.
        environment: See `keeping`.
        say: See `keeping`.
        idle_seconds: See `keeping`.
    """

    def __init__(
        self,
        address: Path,
        modules: Sequence[str],
        environment: Mapping[str, str],
        say: Say,
        idle_seconds: float,
    ) -> None:
        self._address = address
        self._modules = modules
        self._environment = environment
        self._say = say
        self._idle_seconds = idle_seconds
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._has_complained = False
        self._keep(address, Keeper(address, modules, say, environment))

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Make templates that launchers want, until the end."""
        path = Path(f"{self._address}{protocol.WANTED}")
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wishes:
            try:
                path.unlink(missing_ok=True)
                wishes.bind(str(path))
                path.chmod(0o600)
            except OSError as error:
                self._say(f"no templates of other environments: {error}", "WARNING")
            wishes.setblocking(False)
            loop.add_reader(wishes, self._hear, wishes)
            try:
                yield
            finally:
                loop.remove_reader(wishes)
                path.unlink(missing_ok=True)

    def _hear(self, wishes: socket.socket) -> None:
        with suppress(BlockingIOError):
            self.want(Path(os.fsdecode(wishes.recv(_DATAGRAM))))

    def want(self, python: Path) -> None:
        """Keep a template of an environment, unless there is one.

        Args:
            python: The environment's interpreter, in its directory `bin`.
        """
        prefix = python.parent.parent
        try:
            address = Path(
                protocol.address_beside(str(self._address), prefix.stat(), python.stat())
            )
        except OSError:
            return  # gone since the flow run began
        if address in self._tasks:
            return
        if len(self._tasks) > MOST:
            if not self._has_complained:
                self._say(f"{prefix} gets no template: {MOST} others have one", "WARNING")
            self._has_complained = True
            return
        keeper = Keeper(
            address,
            self._modules,
            partial(self._say_of, prefix),
            self._environment,
            str(python),
            self._idle_seconds,
        )
        self._keep(address, keeper)

    def _say_of(self, prefix: Path, text: str, level: str) -> None:
        self._say(f"{prefix}: {text}", level)

    def _keep(self, address: Path, keeper: Keeper) -> None:
        task = asyncio.create_task(keeper.keep())
        self._tasks[address] = task
        task.add_done_callback(lambda _: self._tasks.pop(address))

    def addresses(self) -> list[Path]:
        """Return the sockets that templates are kept behind, our own environment's first."""
        return list(self._tasks)

    async def close(self) -> None:
        """Let all templates go; those with flow runs stay as long as these."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
