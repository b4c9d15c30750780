"""PID 1: supervisord in this very process, with our log stream and an exit code that tells.

supervisord reaps orphans and passes SIGTERM on by stopping its programs in order. What it lacks
is added at its own seams: an options class (`make_logger`), the events it notifies, and what
happens after its main loop.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from supervisor import events, loggers
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.process import Subprocess
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from appliance.errors import USAGE_EXIT_CODE
from appliance.layout import Layout, Runtime
from appliance.log import stamped
from appliance.supervisor import fatal, forking
from appliance.supervisor.configuration import START_RETRIES
from appliance.supervisor.stream import LogFile, Stream

SELF = "zoe"
DATABASE = "database"

# Said by supervisord at each start; true, intended and of no use to a reader.
NOISE = (
    "running without any HTTP authentication checking",
    "RPC interface",
    "supervisord started with pid",
    "reaped unknown pid",
    "Supervisor is running as root",
    "success: ",
)

ENDED = (
    events.ProcessStateExitedEvent,
    events.ProcessStateBackoffEvent,
    events.ProcessStateStoppedEvent,
)


class StreamHandler(loggers.Handler):  # type: ignore[misc] # supervisor ships no types
    """Puts supervisord's own messages into the one stream."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.setFormat("%(levelname)s %(message)s\n")
        self.setLevel(loggers.LevelsByName.INFO)
        self._stream = stream

    def emit(self, record: loggers.LogRecord) -> None:
        """Write one record, unless it is noise."""
        parts = record.asdict()
        message = str(parts["message"])
        if not any(noise in message for noise in NOISE):
            level = {"CRIT": "ERROR", "WARN": "WARNING"}.get(parts["levelname"], "INFO")
            self._stream.feed(SELF, stamped(level, message).encode() + b"\n")


class Wakeup:
    """Ends supervisord's wait of up to a second when a signal comes, SIGCHLD above all.

    Python resumes an interrupted poll (PEP 475), so that supervisord would notice the end of a
    program only at its next turn; four programs stop one after the other. The event loop takes it
    as one of its dispatchers. Its very first wait, before it starts any program, ends at once, too.
    """

    def __init__(self) -> None:
        self.fd, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        os.write(self._write_end, b"\0")

    def readable(self) -> bool:
        """Tell the event loop to wait for us."""
        return True

    def writable(self) -> bool:
        """Tell the event loop that we have nothing to write."""
        return False

    def handle_read_event(self) -> None:
        """Take what the signals wrote; the loop's turn does the rest."""
        os.read(self.fd, 4096)

    def handle_error(self) -> None:
        """Ignore that another turn took it."""


class Options(ServerOptions):  # type: ignore[misc] # supervisor ships no types
    """supervisord's options, with the logger replaced."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._wakeup = Wakeup()
        self.reaped_status = 0

    def fork(self) -> int:
        """Fork, so that a program can be stopped before it is there."""
        return forking.fork()

    def waitpid(self) -> tuple[int | None, int | None]:
        """Reap a process, and keep its status: supervisord forgets that of a failed start."""
        pid, status = super().waitpid()
        if status is not None:
            self.reaped_status = status
        return pid, status

    def get_socket_map(self) -> dict[int, object]:
        """Return what the event loop waits for, the live map that it adds connections to."""
        socket_map: dict[int, object] = super().get_socket_map()
        socket_map[self._wakeup.fd] = self._wakeup
        return socket_map

    def make_logger(self) -> None:
        """Log to our stream instead of to a file and stdout."""
        self.logger = loggers.getLogger(self.loglevel)
        self.logger.addHandler(StreamHandler(self._stream))


class Pid1(Supervisor):  # type: ignore[misc] # supervisor ships no types
    """supervisord that hands its programs' output to our stream and notes who was given up."""

    def __init__(self, options: Options, stream: Stream, runtime: Runtime) -> None:
        super().__init__(options)
        self._stream = stream
        self._runtime = runtime
        # By program: what its last process said that ended without having been asked to.
        self.parting: dict[str, str] = {}

    def runforever(self) -> None:
        """Run until all programs have stopped."""
        # `run`, our caller, has just cleared all subscriptions.
        events.subscribe(events.ProcessLogEvent, self._on_output)
        for ended in ENDED:
            events.subscribe(ended, self._on_end)
        events.subscribe(events.ProcessStateStartingEvent, self._on_starting)
        events.subscribe(events.ProcessStateFatalEvent, self._on_fatal)
        events.subscribe(events.SupervisorStoppingEvent, self._on_stopping)
        super().runforever()

    def _on_output(self, event: events.ProcessLogEvent) -> None:
        self._stream.feed(event.process.config.name, event.data)

    def _on_end(self, event: events.ProcessStateEvent) -> None:
        # supervisord has read all that was left in the pipe before it notifies us.
        self._stream.flush(event.process.config.name)
        self._give_up_on_a_mistake(event.process)

    def _give_up_on_a_mistake(self, process: Subprocess) -> None:
        """End at once where a program says that its operator must act: no new try mends that.

        Postgres, which the database becomes, means other things by its exit codes.
        """
        name = process.config.name
        ended_by_itself = not process.killing and self.options.mood == SupervisorStates.RUNNING
        if ended_by_itself:
            self.parting[name] = self._stream.last_line(name)
        if name == DATABASE or not ended_by_itself:
            return
        if os.waitstatus_to_exitcode(self.options.reaped_status) == USAGE_EXIT_CODE:
            reason, last_line = "it must be set right first", self._stream.last_line(name)
            fatal.record(
                self._runtime, fatal.Fatal(name, reason, last_line, exit_code=USAGE_EXIT_CODE)
            )
            self.options.mood = SupervisorStates.SHUTDOWN

    def _on_stopping(self, _: events.SupervisorStoppingEvent) -> None:
        self._runtime.health_report.unlink(missing_ok=True)

    def _on_starting(self, event: events.ProcessStateStartingEvent) -> None:
        self._stream.forget(event.process.config.name)

    def _on_fatal(self, event: events.ProcessStateFatalEvent) -> None:
        config = event.process.config
        reason = (
            f"it ended {START_RETRIES + 1} times within {config.startsecs} s of its start"
            if event.process.spawnerr is None or "too quickly" in event.process.spawnerr
            else event.process.spawnerr
        )
        fatal.record(
            self._runtime, fatal.Fatal(config.name, reason, self._stream.last_line(config.name))
        )
        self.options.mood = SupervisorStates.SHUTDOWN


def main() -> int:
    """Run the generated configuration; return the exit code.

    The one argument is the data directory, as `zoe run` found it in the settings: this process
    lives as long as the appliance and does without the 20 MB of the settings model.
    """
    runtime = Runtime.from_environment()
    layout = Layout(data=Path(sys.argv[1]))
    stream = Stream(sys.stdout.fileno(), LogFile(layout.log_file))
    options = Options(stream)
    options.realize(["-c", str(runtime.supervisor_configuration)], doc=__doc__)
    options.first = True
    options.test = False
    # A terminal's Ctrl-\\ must not leave a core file of PID 1.
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    pid1 = Pid1(options, stream, runtime)
    try:
        pid1.main()
    except asyncore.ExitNow:
        pass
    finally:
        options.close_httpservers()
    if options.mood == SupervisorStates.RESTARTING:
        # SIGHUP: read the settings anew, in the same process, which takes the lock anew, too.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.execv(sys.executable, [sys.executable, "-P", "-m", "appliance", "run"])  # noqa: S606
    # All has stopped: whoever asks again, or asks in another way, must not change the exit code.
    # Python gives signals that have a handler of its own back to the kernel before it ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    given_up = fatal.recorded(runtime)
    if given_up:
        # The conductor knows states and answers, but hears nobody.
        parting = pid1.parting.get(given_up.program, "")
        stream.feed(SELF, stamped("ERROR", given_up.line(parting)).encode() + b"\n")
        return given_up.exit_code
    stream.feed(SELF, stamped("INFO", "stopped").encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
