"""The program `worker`: Prefect's own process worker on the pool of the settings."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from appliance import credentials, heartbeat
from appliance.api import Api
from appliance.errors import ZoeError
from appliance.files import make_private_dir
from appliance.layout import Layout, Runtime
from appliance.prefect_environment import client_environment
from appliance.settings import Component, Settings, load
from appliance.settings.model import ENV_PREFIX
from appliance.worker import pool

if TYPE_CHECKING:
    from prefect.workers.process import ProcessWorker

BEAT_SECONDS = 3.0


def main() -> int:
    """Work until SIGTERM; return the exit code."""
    beat = partial(heartbeat.beat, Runtime.from_environment().heartbeat(Component.WORKER))
    try:
        settings = load().settings
        layout = Layout(settings.data_dir)
        given = credentials.read(settings, layout)
        api = Api(settings, given)
        api.wait(_say)
        if pool.ensure(api, settings.work_pool):
            sys.stdout.write(f"made the work pool {settings.work_pool}\n")
        for directory in (layout.prefect_home, layout.results):
            make_private_dir(directory)
    except ZoeError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code

    adopt_environment(client_environment(settings, given, layout))
    # Imported here because Prefect reads its settings from the environment at import.
    from prefect.workers.process import ProcessWorker  # noqa: PLC0415

    worker = ProcessWorker(
        work_pool_name=settings.work_pool,
        name=worker_name(settings),
        limit=settings.worker_limit,
        create_pool_if_not_found=False,
    )
    asyncio.run(work(worker, beat))
    return 0


def worker_name(settings: Settings) -> str:
    """Return the name under which this worker appears, the same after each restart."""
    return settings.worker_name or socket.gethostname()


def adopt_environment(environment: dict[str, str]) -> None:
    """Make this process' environment what flow runs shall inherit: Prefect's words, not ours.

    Zoe's variables may hold the database's password or the encryption key, which are no flow's
    business. The interpreter's own directory comes first on PATH, for the job template's
    `python -m prefect.engine`.
    """
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        del os.environ[name]
    here = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", os.defpath)])
    os.environ.update(environment)


async def work(worker: ProcessWorker, beat: partial[None]) -> None:
    """Run the worker until SIGTERM or SIGINT, and note while it polls that it is alive."""
    working = asyncio.create_task(worker.start(printer=_say))
    beating = asyncio.create_task(_beat_while_polling(worker, beat))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        _say(f"Worker {worker.name!r} stopped!")
    finally:
        beating.cancel()


async def _beat_while_polling(worker: ProcessWorker, beat: partial[None]) -> None:
    from prefect.settings import PREFECT_WORKER_QUERY_SECONDS  # noqa: PLC0415 - see `main`

    while True:
        if worker.is_worker_still_polling(PREFECT_WORKER_QUERY_SECONDS.value()):
            beat()
        await asyncio.sleep(BEAT_SECONDS)


def _say(message: str) -> None:
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
