"""What we render is what supervisord's own parser makes of it."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from appliance.layout import Runtime
from appliance.supervisor import configuration, programs
from tests.unit.support import make_settings


def parsed(path: Path, text: str) -> Any:
    path.write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(path)], doc="")
    return options


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    # A percent sign and a blank are what the parser would trip over.
    root = tmp_path / "100% run time"
    root.mkdir()
    return Runtime(root)


def test_programs_come_back_as_planned(runtime: Runtime, tmp_path: Path) -> None:
    settings = make_settings(database="postgres", stop_grace=30)
    planned = programs.plan(settings)
    options = parsed(tmp_path / "s.conf", configuration.render(planned, runtime))
    configs = {group.name: group.process_configs[0] for group in options.process_group_configs}
    assert set(configs) == {program.name for program in planned}
    for program in planned:
        config = configs[program.name]
        assert shlex.split(config.command) == list(program.command)
        assert config.priority == program.priority
        assert config.autostart is program.autostart
        assert config.startsecs == program.start_seconds
        assert config.startretries == configuration.START_RETRIES
        assert config.stopwaitsecs == program.stop_seconds
        assert config.stopsignal == getattr(signal, f"SIG{program.stop_signal.value}")
        # All output comes to us as events, of both kinds and in one pipe.
        assert config.stdout_events_enabled
        assert config.redirect_stderr
        assert config.stdout_logfile is None
        assert config.killasgroup


def test_supervisord_itself(runtime: Runtime, tmp_path: Path) -> None:
    options = parsed(
        tmp_path / "s.conf", configuration.render(programs.plan(make_settings()), runtime)
    )
    assert options.nodaemon
    assert options.silent
    assert options.pidfile == str(runtime.supervisor_pid)
    (server,) = options.server_configs
    assert server["file"] == str(runtime.supervisor_socket)
    assert server["chmod"] == 0o600


def test_awkward_words_of_a_command_survive(runtime: Runtime, tmp_path: Path) -> None:
    command = ("/bin/echo", "100%", "two words", 'quo"te', "it's", "%(here)s", "$HOME")
    program = programs.Program("odd", command, 1, True, 1, 1, 1)
    options = parsed(tmp_path / "s.conf", configuration.render([program], runtime))
    (group,) = options.process_group_configs
    assert shlex.split(group.process_configs[0].command) == list(command)


def test_no_secret_in_it(runtime: Runtime) -> None:
    settings = make_settings(
        database="postgresql://u:hidden@db/prefect",
        admin_password="hidden",
        encryption_key="hiddenhiddenhiddenhiddenhiddenhiddenhiddenx=",
    )
    assert "hidden" not in configuration.render(programs.plan(settings), runtime)
