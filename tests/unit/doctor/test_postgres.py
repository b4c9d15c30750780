"""What Postgres tells is judged here; that it tells it is seen in the image's tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.doctor import postgres
from appliance.doctor.finding import Level
from appliance.doctor.postgres import Told, judge
from appliance.errors import WorldError
from tests.unit.doctor.conftest import MakePatient
from tests.unit.support import free_port

WELL = Told(ahead=0.0, rotten=0, size=8 * 1024**2, clients=12, places=100, revision="abc")


def test_all_is_well() -> None:
    (finding,) = judge(WELL)
    assert finding.what == "Postgres answers, its pages are sound (8 MiB)"


def test_rotten_pages_and_crowding() -> None:
    rotten, crowded = judge(replace(WELL, rotten=3, clients=95))
    assert rotten.level is Level.PROBLEM
    assert "3 pages whose checksum does not fit" in rotten.what
    assert crowded.level is Level.WARNING
    assert "95 of the 100 connections" in crowded.what


def test_one_that_is_away_is_told_without_its_password(make_patient: MakePatient) -> None:
    url = f"postgresql://u:hidden-word@127.0.0.1:{free_port()}/d"
    with pytest.raises(WorldError, match="cannot be asked: Connection refused") as caught:
        postgres.ask(make_patient(database=url))
    assert "hidden-word" not in caught.value.line()


def test_an_embedded_one_that_does_not_run(make_patient: MakePatient) -> None:
    with pytest.raises(WorldError, match="cannot be asked"):
        postgres.ask(make_patient(database="postgres"))
