from __future__ import annotations

import pytest

from appliance.doctor.finding import Level
from appliance.doctor.versions import judge


@pytest.mark.parametrize(
    ("client", "server", "ours", "level", "said"),
    [
        ("3.8.8", "3.8.8", True, Level.OK, "Prefect 3.8.8"),
        ("3.8.8", "3.8.7", True, Level.PROBLEM, "the server runs 3.8.7"),
        ("3.8.10", "3.8.9", False, Level.PROBLEM, "must not be newer"),
        ("3.8.8", "3.9.0", False, Level.WARNING, "the server runs 3.9.0"),
    ],
)
def test_versions_are_compared(
    client: str, server: str, ours: bool, level: Level, said: str
) -> None:
    finding = judge(client, server, is_ours=ours)
    assert finding.level is level
    assert said in finding.what
