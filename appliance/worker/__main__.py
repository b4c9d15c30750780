"""The program `worker`: Prefect's own process worker on the pool of the settings."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

from appliance import credentials, heartbeat, time_zones
from appliance.api import Api
from appliance.errors import ZoeError
from appliance.files import make_private_dir
from appliance.importing import uncollected
from appliance.layout import Layout, Runtime
from appliance.log import say
from appliance.prefect_environment import CHOSEN_FOR_RUNS, client_environment
from appliance.settings import Component, Settings, load
from appliance.settings.model import ENV_PREFIX, OnCrash
from appliance.supervisor.programs import stop_seconds
from appliance.worker import admission, pool
from appliance.worker.attendance import Attendance, interval
from appliance.worker.ledger import Entry, Ledger
from appliance.worker.settling import (
    FINAL,
    UNFINISHED,
    UNSETTLED,
    UNSETTLED_IF_OURS,
    Policy,
    settle,
)
from appliance.worker.sweep import REASON, pending_without_process, sweep
from appliance.worker.warm.environments import keeping


def main() -> int:
    """Work until SIGTERM; return the exit code."""
    runtime = Runtime.from_environment()
    beat = partial(heartbeat.beat, runtime.heartbeat(Component.WORKER))
    try:
        settings = load().settings
        layout = Layout(settings.data_dir)
        given = credentials.read(settings, layout)
        api = Api(settings, given)
        api.wait(say)
        if pool.ensure(api, settings.work_pool, warm_start=settings.warm_start):
            say(f"made the work pool {settings.work_pool}")
        for directory in (layout.prefect_home, layout.results):
            make_private_dir(directory)
    except ZoeError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code

    ledger = Ledger(layout.ledger)
    policy = Policy(settings.on_crash, settings.max_reschedules)
    adopt_environment(client_environment(settings, given, layout))
    time_zones.remember()
    with uncollected():
        # Imported here because Prefect reads its settings from the environment at import.
        from prefect.settings import get_current_settings  # noqa: PLC0415

        from appliance.worker.drain import Drain  # noqa: PLC0415
        from appliance.worker.lifecycle import work  # noqa: PLC0415
        from appliance.worker.process_worker import DrainableProcessWorker  # noqa: PLC0415
        from appliance.worker.remembered_settings import remembered_settings  # noqa: PLC0415
        from appliance.worker.waking import announced_runs  # noqa: PLC0415

    name = worker_name(settings)
    try:
        clean_up(api, ledger, policy, settings.work_pool, name)
    except ZoeError as error:
        say(f"what an earlier worker left is for later: {error}", "WARNING")
    worker = DrainableProcessWorker(
        ledger,
        partial(admission.is_open, layout.drained),
        work_pool_name=settings.work_pool,
        name=name,
        limit=settings.worker_limit,
        create_pool_if_not_found=False,
    )
    worker.settle_stopped = partial(settle_stopped, api)
    drain = Drain(
        stop_seconds=stop_seconds(settings)[Component.WORKER],
        settle=partial(settle_cut_short, api, ledger, policy),
    )
    attendance = Attendance(api, ledger, interval(settings.lost_after))
    sweeping = partial(sweep_ours, api, ledger, policy)
    announced = announced_runs(settings.work_pool)
    working = work(worker, beat, drain, sweeping, attendance, announced)
    if settings.warm_start:
        # What Prefect's worker adds to the environment of its flow runs.
        added = get_current_settings().to_environment_variables(exclude_unset=True)
        working = with_template(keeping(runtime.template_socket, settings.preload, added), working)
    with remembered_settings():
        # Only now: it is for flow runs, and not among the worker's own settings.
        os.environ.update(CHOSEN_FOR_RUNS)
        asyncio.run(working)
    return 0


async def with_template(
    template: AbstractAsyncContextManager[object], working: Coroutine[Any, Any, None]
) -> None:
    """Work while a template is kept, from which flow runs are forked."""
    async with template:
        await working


def clean_up(api: Api, ledger: Ledger, policy: Policy, work_pool: str, name: str) -> None:
    """Settle, before any new run is taken, what an earlier worker of this machine left behind."""
    orphans = sweep_ours(api, ledger, policy, tuple)
    alive = {entry.flow_run_id for entry in orphans}
    for flow_run_id in pending_without_process(api, work_pool, name):
        if flow_run_id not in alive:
            state = settle(api, flow_run_id, policy, REASON)
            say(f"flow run {flow_run_id} was taken and never begun: it is {state} now")


def sweep_ours(
    api: Api, ledger: Ledger, policy: Policy, mine: Callable[[], Iterable[str]]
) -> list[Entry]:
    """Settle the runs of this machine that have lost their process.

    A run whose worker died often dies of it: its output has nowhere to go, and its engine reports
    CRASHED. Where crashed runs are to be tried again, that one is among them.
    """
    again = policy.on_crash is OnCrash.RESCHEDULE
    unsettled = UNSETTLED_IF_OURS if again else UNSETTLED

    def settle_entry(entry: Entry, reason: str) -> str | None:
        ledgers = (ledger.identity, entry.restored_from)
        stopped = ledger.verdict(entry.flow_run_id)
        if stopped is not None:
            return settle(api, entry.flow_run_id, FINAL, stopped, UNSETTLED, ledgers)
        return settle(api, entry.flow_run_id, policy, reason, unsettled, ledgers)

    return sweep(ledger, mine, settle_entry, say)


def settle_cut_short(
    api: Api, ledger: Ledger, policy: Policy, flow_run_id: str, reason: str
) -> None:
    """Settle a run that ends because we do, whatever its engine said about that."""
    settle(api, flow_run_id, policy, reason, UNSETTLED_IF_OURS)
    ledger.strike(flow_run_id)


def settle_stopped(api: Api, flow_run_id: str, reason: str) -> str | None:
    """Settle a run that was stopped at its limit; it is not tried again."""
    state = settle(api, flow_run_id, FINAL, reason, UNFINISHED)
    say(f"flow run {flow_run_id} is {state or 'as it was'} now. {reason}", "WARNING")
    return state


def worker_name(settings: Settings) -> str:
    """Return the name under which this worker appears, the same after each restart."""
    return settings.worker_name or socket.gethostname()


def adopt_environment(environment: dict[str, str]) -> None:
    """Make this process' environment what flow runs shall inherit: Prefect's words, not ours.

    Zoe's variables may hold the database's password or the encryption key, which are no flow's
    business. The interpreter's own directory comes first on PATH, for the job template's
    `python -m prefect.engine` or `zoe-flow-run`.
    """
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        del os.environ[name]
    here = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", os.defpath)])
    os.environ.update(environment)


if __name__ == "__main__":
    sys.exit(main())
