"""The program `deployer`: pass after pass, what the projects declare is what the server holds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from appliance import credentials, heartbeat
from appliance.api import Api
from appliance.deployer import report
from appliance.deployer.assembly import assemble
from appliance.deployer.turn import turn
from appliance.errors import ZoeError
from appliance.layout import Layout, Runtime
from appliance.log import say
from appliance.settings import Component, load
from appliance.worker import pool

BEAT_SECONDS = 3.0


def main() -> int:
    """Reconcile until SIGTERM, which ends this process by the kernel's default."""
    runtime = Runtime.from_environment()
    beat = partial(heartbeat.beat, runtime.heartbeat(Component.DEPLOYER))
    try:
        settings = load().settings
        api = Api(settings, credentials.read(settings, Layout(settings.data_dir)))
        api.wait(say)
        if pool.ensure(api, settings.work_pool, warm_start=settings.warm_start):
            say(f"made the work pool {settings.work_pool}")
        reconciler = assemble(settings, api, runtime, say, _not_yet, fetches_at_once=False)
    except ZoeError as error:
        say(error.line())
        return error.exit_code

    last: report.Report | None = None
    while True:
        try:
            with turn(runtime):
                outcome = reconciler.run_pass()
        except ZoeError as error:
            say(f"will try again: {error.line()}")
        else:
            report.write(runtime, outcome)
            _say_news(outcome, last)
            last = outcome
            # From now on slow inspections must not look like a hang.
            reconciler.beat = beat
        _sleep(settings.deploy_interval, beat if last else _not_yet)


def _not_yet() -> None:
    """Stand in for the heartbeat until the first pass is done, which is what ready means."""


def _say_news(outcome: report.Report, last: report.Report | None) -> None:
    """Say what differs from the last pass, so that a problem stands in the log once."""
    known = set(last.problems) if last else set()
    for problem in outcome.problems:
        if problem not in known:
            say(str(problem), "ERROR")
    for problem in sorted(known - set(outcome.problems)):
        say(f"mended: {problem}")
    if last is None or last.deployments != outcome.deployments:
        say(f"{len(outcome.deployments)} deployments are as declared")


def _sleep(seconds: float, beat: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        beat()
        time.sleep(min(left, BEAT_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
