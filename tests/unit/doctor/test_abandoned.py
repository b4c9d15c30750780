from __future__ import annotations

from typing import Any

from appliance.doctor.abandoned import abandoned
from appliance.doctor.moments import written

NOW = 1_800_000_000.0


def run(identity: str, age: float = 600) -> dict[str, Any]:
    return {"id": identity, "state": {"timestamp": written(NOW - age)}}


def found(*runs: dict[str, Any], alone: bool = True) -> list[str]:
    judged = abandoned(runs, alive={"alive"}, dead={"dead"}, now=NOW, alone=alone)
    return [one["id"] for one in judged]


def test_a_run_with_a_process_is_well() -> None:
    assert found(run("alive")) == []


def test_a_run_whose_process_is_gone() -> None:
    assert found(run("dead")) == ["dead"]
    assert found(run("dead"), alone=False) == ["dead"]


def test_a_run_that_nobody_knows_is_anothers_where_there_is_another() -> None:
    assert found(run("unknown")) == ["unknown"]
    assert found(run("unknown"), alone=False) == []


def test_what_has_just_changed_is_left_to_the_sweep() -> None:
    assert found(run("unknown", age=10)) == []
