from __future__ import annotations

import pytest

from appliance.database.revisions import known
from appliance.doctor.finding import Level
from appliance.doctor.schema import judge
from appliance.settings import DatabaseEngine

ENGINES = [DatabaseEngine.SQLITE, DatabaseEngine.EMBEDDED_POSTGRES]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_standing(engine: DatabaseEngine) -> None:
    wanted = known(engine)
    older = min(wanted.all - {wanted.head})
    assert judge(engine, wanted.head).is_well
    assert judge(engine, None).is_well
    behind = judge(engine, older)
    assert behind.level is Level.PROBLEM
    assert f"at {older}; Prefect 3.8.8 wants {wanted.head}" in behind.what
    unknown = judge(engine, "ffffffffffff")
    assert "does not know" in unknown.what
    assert "newer Zoe" in unknown.remedy
