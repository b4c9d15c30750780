from __future__ import annotations

import sys
from typing import Any

import pytest

from appliance.settings import Component
from appliance.supervisor.programs import CONDUCTOR, MAINTENANCE, StopSignal, plan, runs_here
from tests.unit.support import make_settings

EXTERNAL = "postgresql://db/prefect"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, ["server", "deployer", "worker", MAINTENANCE]),
        ({"database": "postgres"}, ["database", "server", "deployer", "worker", MAINTENANCE]),
        ({"database": EXTERNAL}, ["server", "deployer", "worker", MAINTENANCE]),
        ({"components": "worker,server"}, ["server", "worker", MAINTENANCE]),
        ({"components": "worker", "api_url": "http://h/api"}, ["worker"]),
    ],
)
def test_order(values: dict[str, Any], names: list[str]) -> None:
    programs = plan(make_settings(**values))
    assert [program.name for program in programs] == [*names, CONDUCTOR]
    # supervisord stops in the reverse order of the priorities.
    priorities = [program.priority for program in programs]
    assert priorities == sorted(set(priorities))


def test_only_the_first_and_the_conductor_start_by_themselves() -> None:
    starts = {program.name: program.autostart for program in plan(make_settings())}
    assert [name for name, autostart in starts.items() if autostart] == ["server", CONDUCTOR]


@pytest.mark.parametrize("grace", [6, 9, 30, 3600])
@pytest.mark.parametrize("database", ["sqlite", "postgres", EXTERNAL])
def test_stops_share_out_exactly_the_grace(database: str, grace: int) -> None:
    programs = plan(make_settings(database=database, stop_grace=grace))
    seconds = {program.name: program.stop_seconds for program in programs}
    assert sum(seconds.get(name, 0) for name in ("worker", "server", "database")) == grace
    assert min(seconds.values()) >= 1
    # The longer the grace, the more of it is for the flow runs.
    assert seconds["worker"] >= grace - 5


def test_stops_fit_into_docker_s_patience_as_it_comes() -> None:
    programs = plan(make_settings(database="postgres"))
    waited_for = [
        p.stop_seconds for p in programs if p.name not in {CONDUCTOR, "deployer", MAINTENANCE}
    ]
    assert sum(waited_for) < 10


def test_worker_alone_has_the_whole_grace() -> None:
    settings = make_settings(components="worker", api_url="http://h/api", stop_grace=60)
    assert {p.name: p.stop_seconds for p in plan(settings)}["worker"] == 60


def test_postgres_is_asked_for_a_fast_shutdown() -> None:
    signals = {p.name: p.stop_signal for p in plan(make_settings(database="postgres"))}
    assert signals.pop("database") is StopSignal.INT
    assert set(signals.values()) == {StopSignal.TERM}


def test_commands_name_modules_that_are_there() -> None:
    for program in plan(make_settings(database="postgres")):
        interpreter, *options, module = program.command
        # Without -P the current directory, a user's project, would be searched for our modules.
        assert (interpreter, options) == (sys.executable, ["-P", "-m"])
        name = module if module.endswith(CONDUCTOR) else f"{module}.__main__"
        assert _is_module(name), name


def _is_module(name: str) -> bool:
    import importlib.util  # noqa: PLC0415

    return importlib.util.find_spec(name) is not None


def test_sqlite_has_no_program_of_its_own() -> None:
    assert not runs_here(Component.DATABASE, make_settings())
    assert runs_here(Component.SERVER, make_settings())
