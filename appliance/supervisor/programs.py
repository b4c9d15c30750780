"""Which programs run here, in which order they start and stop, and how long a stop may take.

The stop budget stands here and nowhere else. supervisord stops one program after the other, last
started first, and waits for each up to its `stop_seconds` before SIGKILL:

    worker + server + database = ZOE_STOP_GRACE

Conductor, deployer and maintenance have no part in the sum: SIGTERM ends them on the spot, by the
kernel's default, and whatever they write is whole or absent. What the grace leaves after server
and database goes to the worker, whose flow runs have a use for it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum

from appliance.settings import Component, DatabaseEngine, Settings

CONDUCTOR = "conductor"
MAINTENANCE = "maintenance"
AT_ONCE = 1  # the least that supervisord can wait
SERVER_STOP_SECONDS = 2
DATABASE_STOP_SECONDS = 2
# Five minutes let a slow machine migrate a large database. A first pass of the deployer takes as
# long as the flows take to load, 20 s each at the most, and must not end the appliance.
READY_SECONDS: dict[str, int] = {
    Component.DATABASE: 300,
    Component.SERVER: 300,
    Component.DEPLOYER: 3600,
    Component.WORKER: 300,
    MAINTENANCE: 300,
}

# `-P` keeps the current directory, which may hold anybody's modules, out of Python's search path.
PYTHON = (sys.executable, "-P", "-m")


class StopSignal(StrEnum):
    """The signal that asks a program to end."""

    TERM = "TERM"
    # Postgres' "fast shutdown": it ends the sessions and writes a checkpoint. (postgres(1))
    INT = "INT"


@dataclass(frozen=True)
class Program:
    """One program as supervisord is to run it.

    Attributes:
        name: Its name in `zoe status`, in the log stream and for supervisord.
        command: The words of its command line; they hold no secret.
        priority: Lower starts earlier and stops later.
        autostart: Whether supervisord starts it by itself; the rest is the conductor's work.
        start_seconds: An exit before that many seconds counts as a failed start.
        ready_seconds: Without having become ready by then it is started anew.
        stop_seconds: Between the stop signal and SIGKILL.
        stop_signal: How it is asked to end.
    """

    name: str
    command: tuple[str, ...]
    priority: int
    autostart: bool
    start_seconds: int
    ready_seconds: int
    stop_seconds: int
    stop_signal: StopSignal = StopSignal.TERM


def runs_here(component: Component, settings: Settings) -> bool:
    """Tell whether a component has a program of its own on this machine.

    SQLite lives in the server's process and an external database elsewhere.
    """
    if component is Component.DATABASE:
        return (
            component in settings.runs_here and settings.engine is DatabaseEngine.EMBEDDED_POSTGRES
        )
    return component in settings.runs_here


def stop_seconds(settings: Settings) -> dict[str, int]:
    """Share the stop grace out among the programs of this machine."""
    shares = {
        Component.DATABASE.value: DATABASE_STOP_SECONDS,
        Component.SERVER.value: SERVER_STOP_SECONDS,
        Component.DEPLOYER.value: AT_ONCE,
        MAINTENANCE: AT_ONCE,
        CONDUCTOR: AT_ONCE,
    }
    taken = sum(
        shares[component.value]
        for component in (Component.DATABASE, Component.SERVER)
        if runs_here(component, settings)
    )
    return {**shares, Component.WORKER.value: settings.stop_grace - taken}


def plan(settings: Settings) -> tuple[Program, ...]:
    """Return the programs of this machine in the order in which they start."""
    names = [component.value for component in Component if runs_here(component, settings)]
    if Component.SERVER in settings.runs_here:
        # It looks after what the server keeps, and after the runs of all machines.
        names.append(MAINTENANCE)
    seconds = stop_seconds(settings)
    programs = [
        Program(
            name=name,
            command=(*PYTHON, f"appliance.{name}"),
            priority=10 * (position + 1),
            # The first has nobody to wait for; the conductor's own start would cost 0.3 s.
            autostart=position == 0,
            # A server imports for several seconds before it can fail on its database.
            start_seconds=20 if name == Component.SERVER else 5,
            ready_seconds=READY_SECONDS[name],
            stop_seconds=seconds[name],
            stop_signal=StopSignal.INT if name == Component.DATABASE else StopSignal.TERM,
        )
        for position, name in enumerate(names)
    ]
    conductor = Program(
        name=CONDUCTOR,
        command=(*PYTHON, "appliance.supervisor.conductor"),
        # Last to start and first to stop: it must not restart what is being stopped.
        priority=999,
        autostart=True,
        start_seconds=2,
        ready_seconds=0,
        stop_seconds=seconds[CONDUCTOR],
    )
    return (*programs, conductor)
