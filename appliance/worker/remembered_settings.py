"""Prefect's settings in the form of environment variables, worked out once and not for every run.

Prefect's worker asks for them twice a flow run, 57 ms of CPU time each on the machine that was
measured (3.8.8). A worker's settings do not change while it lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.context import SettingsContext, get_settings_context
from prefect.settings import Settings
from pydantic import PrivateAttr


class RememberedSettings(Settings):
    """Prefect's settings, read from where it reads them."""

    _variables: dict[tuple[bool, bool, bool], dict[str, str]] = PrivateAttr(default_factory=dict)

    def to_environment_variables(
        self,
        exclude_unset: bool = False,
        include_secrets: bool = True,
        include_aliases: bool = False,
    ) -> dict[str, str]:
        """Return what Prefect's own method returned the first time."""
        asked = (exclude_unset, include_secrets, include_aliases)
        if asked not in self._variables:
            self._variables[asked] = super().to_environment_variables(*asked)
        return dict(self._variables[asked])


@contextmanager
def remembered_settings() -> Iterator[None]:
    """Have Prefect use such settings in this context and in the tasks that are made in it."""
    profile = get_settings_context().profile
    with SettingsContext(profile=profile, settings=RememberedSettings()):
        yield
