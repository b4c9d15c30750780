"""Who is examined: the appliance of this machine, running or not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from appliance.layout import Layout, Runtime
from appliance.settings import Component, Settings
from appliance.supervisor.health import Health


@dataclass(frozen=True)
class Patient:
    """What every look may start from.

    Attributes:
        settings: The settings in force.
        layout: Where the data lies.
        runtime: Where sockets and reports lie.
        health: The conductor's last report; None when Zoe does not run here.
        now: This machine's wall clock, in seconds since the epoch.
    """

    settings: Settings
    layout: Layout
    runtime: Runtime
    health: Health | None
    now: float = field(default_factory=time.time)

    @property
    def is_running(self) -> bool:
        """Whether Zoe runs here."""
        return self.health is not None

    def has(self, component: Component) -> bool:
        """Tell whether a component belongs on this machine."""
        return component in self.settings.runs_here
