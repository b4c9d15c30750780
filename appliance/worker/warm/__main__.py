"""The template: `python -m appliance.worker.warm LISTENER SERVICE IDLE [MODULE]...`.

Listener and service are descriptors, idle are seconds; see `template`. The current directory must
be the one that holds the package `appliance`.
"""

from __future__ import annotations

# Before anything else; see there.
from appliance.worker.warm.ending import Ending

_ENDING = Ending()

import os  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from appliance.log import stamped  # noqa: E402
from appliance.worker.warm import engine, installed, protocol, settings_files  # noqa: E402
from appliance.worker.warm.child import Origin, become  # noqa: E402
from appliance.worker.warm.request import Request  # noqa: E402
from appliance.worker.warm.template import Template  # noqa: E402


def main(listener: int, service: int, idle: float, modules: list[str]) -> Request | None:
    """Be the template; return in a child, with what it is to run, or None at the end."""
    # Put there by `python -m`; it is no flow run's.
    del sys.path[0]
    path = list(sys.path)
    is_stale = installed.watch(path)
    environment = dict(os.environ)
    files = settings_files.contents(environment)
    engine.preload(modules, _warn)
    # Without it no child could be watched, and the run of one that has begun would be at risk.
    os.close(os.pidfd_open(os.getpid()))
    added = {name: value for name, value in os.environ.items() if environment.get(name) != value}
    origin = Origin(environment, path, {name.partition(".")[0] for name in sys.modules}, added)
    template = Template(socket.socket(fileno=listener), service, is_stale, idle)
    try:
        os.write(service, protocol.READY)
    except BrokenPipeError:
        return None  # the worker has ended meanwhile
    connection = template.serve()
    if connection is None:
        return None
    request = become(connection, origin)
    _ENDING.belongs_to(connection)
    engine.refresh(environment, os.environ, settings_files.contents(os.environ) != files)
    return request


def _warn(message: str) -> None:
    sys.stderr.write(stamped("WARNING", message) + "\n")


if __name__ == "__main__":
    _REQUEST = main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
    if _REQUEST is not None:
        engine.run(_REQUEST.arguments, _ENDING.note)
