"""Runs that have a process are shown to be alive; others are not."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from appliance.settings.model import OnCrash
from appliance.worker import mark
from appliance.worker.attendance import Attendance, interval, present
from appliance.worker.ledger import Entry, Ledger
from appliance.worker.mark import BEAT, LEDGER
from appliance.worker.settling import Policy, settle
from tests.unit import runs_on_server as runs
from tests.unit.conftest import RealServer


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_several_beats_fit_into_the_time_after_which_a_run_is_lost() -> None:
    assert interval(60) == 15


def test_a_process_is_present_whoever_started_it(ledger: Ledger) -> None:
    ledger.note("mine", os.getpid())
    ledger.note("an-earlier-workers", os.getpid())
    assert present(ledger.entries(), ["mine"]) == ["an-earlier-workers", "mine"]


def test_what_is_about_to_start_is_present_only_with_its_worker(ledger: Ledger) -> None:
    ledger.note("mine")
    ledger.note("a-dead-workers")
    assert present(ledger.entries(), ["mine"]) == ["mine"]


def test_a_process_that_is_gone_is_not_present_even_if_it_is_ours() -> None:
    entry = Entry("mine", pid=os.getpid(), started=1, boot_id="another boot")
    assert present([entry], ["mine"]) == []


def test_each_round_changes_the_mark_and_a_newcomer_is_marked_between_rounds(
    real_server: RealServer, ledger: Ledger
) -> None:
    with closing(real_server.api()) as api:
        attendance = Attendance(api, ledger, 1)
        old = runs.flow_run(api, labels={"kept": "yes"})
        ledger.note(old, os.getpid())
        attendance.show([old], everyone=True)
        first = runs.labels_of(api, old)
        assert first["kept"] == "yes"

        new = runs.flow_run(api, "PENDING")
        ledger.note(new)
        attendance.show([old, new], everyone=False)
        assert BEAT in runs.labels_of(api, new)
        assert runs.labels_of(api, old) == first

        attendance.show([old, new], everyone=True)
        assert runs.labels_of(api, old)[BEAT] > first[BEAT]


def test_what_was_marked_as_it_was_taken_is_not_marked_again_and_not_forgotten(
    real_server: RealServer, ledger: Ledger
) -> None:
    with closing(real_server.api()) as api:
        attendance = Attendance(api, ledger, 1)
        going_on, short = (runs.flow_run(api, "PENDING") for _ in range(2))
        for run in (going_on, short):
            mark.put(api, runs.found(api, run), ledger.identity)
        ledger.note(going_on, os.getpid())
        first = runs.labels_of(api, going_on)
        # The other has ended before it was ever seen in the ledger.
        state = {"state": {"type": "COMPLETED"}, "force": True}
        api.post(f"/flow_runs/{short}/set_state", state)
        attendance.show([going_on], everyone=False, marked=[going_on, short])
        assert runs.labels_of(api, going_on) == first
        attendance.show([going_on], everyone=True)
        assert runs.labels_of(api, going_on)[BEAT] > first[BEAT]
        assert not runs.labels_of(api, short)[BEAT]


def test_a_deleted_or_ended_run_keeps_no_other_from_being_marked(
    real_server: RealServer, ledger: Ledger
) -> None:
    with closing(real_server.api()) as api:
        deleted, ended, alive = runs.flow_run(api), runs.flow_run(api, "COMPLETED"), ""
        api.delete(f"/flow_runs/{deleted}")
        alive = runs.flow_run(api)
        for run in (deleted, ended, alive):
            ledger.note(run, os.getpid())
        Attendance(api, ledger, 1).show([], everyone=True)
        assert BEAT in runs.labels_of(api, alive)
        assert BEAT not in runs.labels_of(api, ended)


def test_a_run_that_has_ended_carries_no_mark_any_more(
    real_server: RealServer, ledger: Ledger
) -> None:
    """Or the next one to run it, who may leave no marks, would soon be taken for dead."""
    with closing(real_server.api()) as api:
        attendance = Attendance(api, ledger, 1)
        ended, elsewhere, deleted = (runs.flow_run(api) for _ in range(3))
        for run in (ended, elsewhere, deleted):
            ledger.note(run, os.getpid())
        attendance.show([], everyone=True)
        for run in (ended, elsewhere, deleted):
            ledger.strike(run)
        state = {"state": {"type": "COMPLETED"}, "force": True}
        api.post(f"/flow_runs/{ended}/set_state", state)
        # Another machine has it by now.
        api.patch(f"/flow_runs/{elsewhere}/labels", {LEDGER: "of-another"})
        api.delete(f"/flow_runs/{deleted}")
        attendance.show([], everyone=True)
        assert not runs.labels_of(api, ended)[BEAT]
        assert runs.labels_of(api, elsewhere)[BEAT]


def test_what_an_earlier_worker_marked_is_rid_of_it_when_it_is_swept(
    real_server: RealServer, ledger: Ledger
) -> None:
    with closing(real_server.api()) as api:
        run = runs.flow_run(api)
        ledger.note(run, os.getpid())
        Attendance(api, ledger, 1).show([], everyone=True)
        state = {"state": {"type": "COMPLETED"}, "force": True}
        api.post(f"/flow_runs/{run}/set_state", state)
        policy = Policy(OnCrash.CRASH, 3)
        assert settle(api, run, policy, "It died.", ledgers=[ledger.identity]) is None
        assert not runs.labels_of(api, run)[BEAT]


def test_a_machine_that_comes_back_leaves_alone_what_another_one_runs_now(
    real_server: RealServer, tmp_path: Path
) -> None:
    policy = Policy(OnCrash.CRASH, 3)
    with closing(real_server.api()) as api:
        run = runs.flow_run(api)
        given_up, other = Ledger(tmp_path / "one"), Ledger(tmp_path / "other")
        for ledger in (given_up, other):
            ledger.note(run, os.getpid())
            Attendance(api, ledger, 1).show([run], everyone=True)
        assert settle(api, run, policy, "It died.", ledgers=[given_up.identity]) is None
        assert runs.state_of(api, run) == "RUNNING"
        # After a restart it is the same ledger still.
        assert Ledger(tmp_path / "other").identity == other.identity
        assert settle(api, run, policy, "It died.", ledgers=[other.identity]) == "CRASHED"
