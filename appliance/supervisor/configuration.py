"""The plan in supervisord's words: a configuration file, made anew at each start."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.layout import Runtime
    from appliance.supervisor.programs import Program

# A program that failed to start is tried this often more, one second later each time.
START_RETRIES = 3


def render(programs: Iterable[Program], runtime: Runtime) -> str:
    """Return the text of `supervisord.conf`; it holds no secret.

    The socket asks for no password: its mode and its directory let in nobody but our own user.
    Output goes to no file of supervisord's; `appliance.supervisor.stream` takes it as events.
    (supervisord's manual, "Configuration File".)
    """
    head = f"""\
[unix_http_server]
file={_quoted(str(runtime.supervisor_socket))}
chmod=0600

[supervisord]
nodaemon=true
silent=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={_quoted(str(runtime.supervisor_pid))}
childlogdir={_quoted(str(runtime.root))}
identifier=zoe
umask=077

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{_quoted(str(runtime.supervisor_socket))}
"""
    return "\n".join([head, *map(_section, programs)])


def _section(program: Program) -> str:
    return f"""\
[program:{program.name}]
command={_quoted(shlex.join(program.command))}
priority={program.priority}
autostart={str(program.autostart).lower()}
autorestart=true
startsecs={program.start_seconds}
startretries={START_RETRIES}
stopsignal={program.stop_signal}
stopwaitsecs={program.stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile=NONE
stdout_events_enabled=true
"""


def _quoted(value: str) -> str:
    """Keep supervisord from expanding a percent sign."""
    return value.replace("%", "%%")
