from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from appliance.backup import unsettled
from appliance.layout import Layout
from appliance.settings.model import OnCrash
from appliance.worker import __main__ as worker
from appliance.worker import mark
from appliance.worker.ledger import Ledger
from appliance.worker.settling import Policy
from tests.unit import runs_on_server
from tests.unit.backup.archives import fill, make_database
from tests.unit.conftest import RealServer

RUNS = {
    "a": "RUNNING",
    "b": "PENDING",
    "c": "CANCELLING",
    "d": "COMPLETED",
    "e": "SCHEDULED",
    "f": "PAUSED",
}


def test_those_under_way_are_found(tmp_path: Path) -> None:
    make_database(tmp_path / "prefect.db", RUNS)
    assert sorted(unsettled.in_sqlite(tmp_path / "prefect.db")) == ["a", "b", "c"]


def test_a_subflow_in_its_parent_s_process_is_that_one_s(tmp_path: Path) -> None:
    database = tmp_path / "prefect.db"
    make_database(database, {})
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = [("own", "RUNNING", "task", "deployment"), ("parent's", "RUNNING", "task", None)]
        connection.executemany("INSERT INTO flow_run VALUES (?, ?, ?, ?)", rows)
    assert unsettled.in_sqlite(database) == ["own"]


def test_the_ledger_has_them_as_dead(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    unsettled.note(layout, ["a", "b"])
    entries = list(Ledger(layout.ledger).entries())
    assert [entry.flow_run_id for entry in entries] == ["a", "b"]
    assert not any(entry.is_alive() for entry in entries)


def restored(tmp_path: Path, **arguments: str) -> list[str]:
    layout = Layout(tmp_path)
    fill(layout.data, {"worker/ledger": "of-the-backup"})
    unsettled.note(layout, ["a"], **arguments)
    assert Ledger(layout.ledger).identity != "of-the-backup"
    return [entry.restored_from for entry in Ledger(layout.ledger).entries()]


def test_the_ledger_knows_by_which_one_they_are_marked(tmp_path: Path) -> None:
    assert restored(tmp_path) == ["of-the-backup"]


def test_on_a_shared_database_only_a_machine_s_own_backup_proves_it_dead(tmp_path: Path) -> None:
    assert restored(tmp_path / "same", shared_by="of-the-backup") == ["of-the-backup"]
    assert restored(tmp_path / "another", shared_by="of-another") == [""]
    assert restored(tmp_path / "new", shared_by="") == [""]


def test_an_archive_without_a_ledger_has_nothing_to_say(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    unsettled.note(layout, ["a"])
    assert [entry.restored_from for entry in Ledger(layout.ledger).entries()] == [""]


def test_the_first_sweep_settles_the_runs_of_the_backups_machine_and_no_others(
    real_server: RealServer, tmp_path: Path
) -> None:
    before, elsewhere = Ledger(tmp_path / "before"), Ledger(tmp_path / "elsewhere")
    layout = Layout(tmp_path / "restored")
    fill(layout.data, {"worker/ledger": before.identity})
    with closing(real_server.api()) as api:
        ours, others, unmarked = (runs_on_server.flow_run(api) for _ in range(3))
        mark.put(api, runs_on_server.found(api, ours), before.identity)
        mark.put(api, runs_on_server.found(api, others), elsewhere.identity)
        unsettled.note(layout, [ours, others, unmarked])
        ledger = Ledger(layout.ledger)
        worker.sweep_ours(api, ledger, Policy(OnCrash.CRASH, 3), tuple)
        assert runs_on_server.state_of(api, ours) == "CRASHED"
        assert runs_on_server.state_of(api, unmarked) == "CRASHED"
        assert runs_on_server.state_of(api, others) == "RUNNING"
        assert list(ledger.entries()) == []
        # Taken up again by the machine that the backup was made on: none of ours any more.
        ledger.note(ours)
        state = {"state": {"type": "RUNNING"}, "force": True}
        api.post(f"/flow_runs/{ours}/set_state", state)
        mark.put(api, runs_on_server.found(api, ours), before.identity)
        worker.sweep_ours(api, ledger, Policy(OnCrash.CRASH, 3), tuple)
        assert runs_on_server.state_of(api, ours) == "RUNNING"
