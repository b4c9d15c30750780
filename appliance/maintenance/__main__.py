"""The program `maintenance`: does at its hour what nobody wants to think of."""

from __future__ import annotations

import sys
import time
from threading import Thread

from appliance import credentials, heartbeat
from appliance.api import Api
from appliance.errors import ZoeError
from appliance.layout import Layout, Runtime
from appliance.log import say
from appliance.maintenance.jobs import Jobs, planned
from appliance.maintenance.record import Record
from appliance.maintenance.watch import Watch
from appliance.settings import load
from appliance.supervisor.programs import MAINTENANCE

STEP_SECONDS = 2.0


def main() -> int:
    """Work until SIGTERM, which ends this process and with it the job that runs."""
    try:
        settings = load().settings
        layout = Layout(settings.data_dir)
        api = Api(settings, credentials.read(settings, layout))
    except ZoeError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    runtime = Runtime.from_environment()
    beat = runtime.heartbeat(MAINTENANCE)
    jobs = Jobs(planned(settings), Record(layout, runtime, say), say)
    # In a thread: a server that hangs must not keep the jobs from their hour.
    watching = Thread(target=Watch(settings, api).keep, name="watch", daemon=True)
    watching.start()
    while watching.is_alive():
        try:
            jobs.step()
        except OSError as error:
            # A full disk, say. It is no reason to stop looking.
            say(f"maintenance: {error}", "ERROR")
        heartbeat.beat(beat)
        time.sleep(STEP_SECONDS)
    return 1


if __name__ == "__main__":
    sys.exit(main())
