from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.errors import WorldError
from appliance.worker.ledger import Entry, Ledger
from appliance.worker.sweep import REASON, sweep


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_what_has_lost_its_process_is_settled_and_struck(ledger: Ledger) -> None:
    ledger.note("dead")
    settled: list[tuple[str, str]] = []
    said: list[str] = []

    def settle(entry: Entry, reason: str) -> str:
        settled.append((entry.flow_run_id, reason))
        return "CRASHED"

    assert sweep(ledger, tuple, settle, said.append) == []
    assert settled == [("dead", REASON)]
    assert said == ["flow run dead had lost its process: it is CRASHED now"]
    assert list(ledger.entries()) == []


def test_what_had_ended_by_itself_is_struck_in_silence(ledger: Ledger) -> None:
    ledger.note("ended")
    said: list[str] = []
    sweep(ledger, tuple, lambda _run, _reason: None, said.append)
    assert said == []
    assert list(ledger.entries()) == []


def test_a_run_of_the_asking_worker_is_left_alone(ledger: Ledger) -> None:
    ledger.note("mine")
    sweep(ledger, lambda: ["mine"], _must_not_be_called, print)
    assert [entry.flow_run_id for entry in ledger.entries()] == ["mine"]


def test_a_run_that_begins_meanwhile_is_not_taken_for_anothers(ledger: Ledger) -> None:
    def mine() -> list[str]:
        ledger.note("begun-meanwhile")
        return []

    sweep(ledger, mine, _must_not_be_called, print)
    assert [entry.flow_run_id for entry in ledger.entries()] == ["begun-meanwhile"]


def test_a_run_that_ends_meanwhile_is_not_judged(ledger: Ledger) -> None:
    ledger.note("ends-meanwhile")

    def mine() -> list[str]:
        ledger.strike("ends-meanwhile")
        return []

    sweep(ledger, mine, _must_not_be_called, print)


def test_a_process_that_outlived_its_worker_is_left_to_end_by_itself(ledger: Ledger) -> None:
    ledger.note("orphan", os.getpid())
    orphans = sweep(ledger, tuple, _must_not_be_called, print)
    assert [entry.flow_run_id for entry in orphans] == ["orphan"]
    assert [entry.flow_run_id for entry in ledger.entries()] == ["orphan"]


def test_a_server_that_is_away_leaves_the_rest_for_the_next_sweep(ledger: Ledger) -> None:
    ledger.note("one")

    def away(_entry: Entry, _reason: str) -> str:
        raise WorldError("the server is away")

    with pytest.raises(WorldError):
        sweep(ledger, tuple, away, print)
    assert [entry.flow_run_id for entry in ledger.entries()] == ["one"]


def _must_not_be_called(entry: Entry, _reason: str) -> str:
    raise AssertionError(entry)
