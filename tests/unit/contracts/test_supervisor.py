"""What we lean on in supervisor beyond its configuration file."""

from __future__ import annotations

import inspect

from supervisor import events, loggers
from supervisor.options import ServerOptions
from supervisor.process import Subprocess
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor
from supervisor.xmlrpc import SupervisorTransport

from appliance.supervisor.__main__ import ENDED


def test_events_that_we_subscribe_to() -> None:
    for kind in (*ENDED, events.ProcessStateFatalEvent):
        assert issubclass(kind, events.ProcessStateEvent)
    assert issubclass(events.ProcessLogStdoutEvent, events.ProcessLogEvent)
    assert issubclass(events.SupervisorStoppingEvent, events.SupervisorStateChangeEvent)
    assert list(inspect.signature(events.subscribe).parameters) == ["type", "callback"]
    # `Pid1.runforever` subscribes because of this, and not earlier.
    source = inspect.getsource(Supervisor.run)
    assert source.index("events.clear()") < source.index("self.runforever()")


def test_pipes_are_drained_before_an_end_is_notified() -> None:
    # So that nothing comes after the flush of the last line.
    source = inspect.getsource(Subprocess.finish)
    assert source.index("self.drain()") < source.index("self.change_state(")


def test_seams_of_the_options() -> None:
    assert list(inspect.signature(ServerOptions.make_logger).parameters) == ["self"]
    assert list(inspect.signature(ServerOptions.get_socket_map).parameters) == ["self"]
    # The event loop takes the map anew in each turn, and asks each of its members these.
    source = inspect.getsource(Supervisor.runforever)
    assert "get_socket_map()" in source
    for method in ("readable()", "writable()", "handle_read_event()", "handle_error()"):
        assert method in source
    assert "self.options.first" in inspect.getsource(Supervisor.main)
    assert callable(ServerOptions.close_httpservers)


def test_moods() -> None:
    assert SupervisorStates.SHUTDOWN < SupervisorStates.RESTARTING < SupervisorStates.RUNNING


def test_logger() -> None:
    assert {"emit", "setFormat", "setLevel"} <= set(dir(loggers.Handler))
    logger = loggers.getLogger(loggers.LevelsByName.INFO)
    seen = []

    class Handler(loggers.Handler):  # type: ignore[misc] # supervisor ships no types
        def emit(self, record: loggers.LogRecord) -> None:
            seen.append((record.asdict()["levelname"], record.asdict()["message"]))

    logger.addHandler(Handler())
    logger.log(loggers.LevelsByName.WARN, "a word")
    logger.critical("the end")
    # The names that `StreamHandler` translates.
    assert [name for name, _ in seen] == ["WARN", "CRIT"]


def test_transport() -> None:
    assert "serverurl" in inspect.signature(SupervisorTransport.__init__).parameters
    assert callable(SupervisorTransport.close)
