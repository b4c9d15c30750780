from __future__ import annotations

import argparse
import errno
import itertools
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance import exclusive
from appliance.backup import archive
from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.exchange import recover
from appliance.layout import Layout
from appliance.operations.restore import carry_out
from appliance.worker.ledger import Ledger
from tests.unit.backup.archives import KEY, PASSWORD, fill, make_archive, make_database
from tests.unit.killing import disturbed_before_change, killed_before_change

RUNS = {"a": "RUNNING", "b": "COMPLETED", "c": "COMPLETED"}
OLD = {"secrets/admin_password": "old-password\n", "secrets/encryption_key": f"{'A' * 43}=\n"}


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path / "data"))
    return Layout(tmp_path / "data")


@pytest.fixture
def used(layout: Layout) -> Layout:
    """A data directory that has been in use."""
    make_used(layout)
    return layout


def make_used(layout: Layout) -> None:
    make_database(layout.sqlite_file, {"old": "COMPLETED"})
    fill(layout.data, {**OLD, "zoe.json": '{"zoe": "0"}', "logs/zoe.log": "", "results/old": "old"})


def restore(given: Path | str | None, *, force: bool = False) -> None:
    carry_out(argparse.Namespace(archive=given and str(given), force=force))


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name not in {"lock", "backup.lock"}
    }


def runs_in(database: Path) -> dict[str, str]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute("SELECT id, state_type FROM flow_run").fetchall())


def test_onto_nothing(layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restore(make_archive(tmp_path / "elsewhere", RUNS))
    assert runs_in(layout.sqlite_file) == RUNS
    assert layout.admin_password.read_text() == f"{PASSWORD}\n"
    assert layout.encryption_key.read_text() == f"{KEY}\n"
    assert (layout.results / "one").read_text() == "result"
    assert [entry.flow_run_id for entry in Ledger(layout.ledger).entries()] == ["a"]
    assert (layout.data / "restored-settings" / "zoe.toml").exists()
    assert not list(layout.data.glob(".*"))
    assert not list(layout.data.glob("replaced-*"))
    said = capsys.readouterr().out
    assert (
        "restored zoe-20260101T030000Z.tar.gz, made at 2026-01-01 03:00 UTC; flow runs in it: 3"
        in said
    )
    assert "flow runs that were under way: 1;" in said
    assert "not in force" in said


@pytest.mark.parametrize("given", [None, "zoe-20260101T030000Z.tar.gz"])
def test_from_the_target_by_name_or_the_newest(layout: Layout, given: str | None) -> None:
    make_archive(layout.backups, RUNS)
    restore(given)
    assert runs_in(layout.sqlite_file) == RUNS


def test_an_encrypted_one(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS, passphrase="correct horse")
    with pytest.raises(OperatorError, match="is encrypted"):
        restore(path)
    monkeypatch.setenv("ZOE_BACKUP_PASSPHRASE", "correct horse")
    restore(path)
    assert runs_in(layout.sqlite_file) == RUNS


def test_used_data_stays_without_force(used: Layout, tmp_path: Path) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS)
    before = files(used.data)
    with pytest.raises(OperatorError, match=r"there is data already: .*zoe restore --force"):
        restore(path)
    assert files(used.data) == before


def test_with_force_it_is_backed_up_and_kept(
    used: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS)
    restore(path, force=True)
    assert runs_in(used.sqlite_file) == RUNS
    assert used.admin_password.read_text() == f"{PASSWORD}\n"
    assert [path.name for path in used.results.iterdir()] == ["one"]
    (kept,) = used.data.glob("replaced-*")
    assert runs_in(kept / "database" / "prefect.db") == {"old": "COMPLETED"}
    assert (kept / "secrets" / "admin_password").read_text() == "old-password\n"
    (saved,) = used.backups.iterdir()
    assert saved.name.endswith("-before-restore.tar.gz")
    assert archive.read_manifest(saved, None).tables == {"flow_run": 1}
    said = capsys.readouterr().out
    assert str(kept) in said
    assert saved.name in said


def test_with_force_unreadable_data_is_kept(
    used: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    used.sqlite_file.write_text("not a database")
    restore(make_archive(tmp_path / "elsewhere", RUNS), force=True)
    assert runs_in(used.sqlite_file) == RUNS
    (kept,) = used.data.glob("replaced-*")
    assert (kept / "database" / "prefect.db").read_text() == "not a database"
    assert "cannot be backed up, its files are kept" in capsys.readouterr().out


def test_a_damaged_archive_changes_nothing(used: Layout, tmp_path: Path) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    before = files(used.data)
    with pytest.raises(WorldError, match="damaged"):
        restore(path, force=True)
    assert files(used.data) == before


@pytest.mark.parametrize(
    ("promised", "environment", "words"),
    [
        (4, {}, "manifest says 4 rows"),
        (3, {"ZOE_ENCRYPTION_KEY": f"{'B' * 43}="}, "another key"),
        (3, {"ZOE_DATABASE": "postgresql://u@127.0.0.1:1/d"}, "zoe promote"),
        (
            3,
            {"ZOE_COMPONENTS": "worker", "ZOE_API_URL": "http://h/api"},
            "without a server",
        ),
    ],
)
def test_what_is_refused_changes_nothing(
    used: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    promised: int,
    environment: dict[str, str],
    words: str,
) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS, tables={"flow_run": promised})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = files(used.data)
    with pytest.raises(ZoeError, match=words):
        restore(path, force=True)
    assert files(used.data) == before


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(layout: Layout, tmp_path: Path) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS)
    seen = set()
    # Every fifth moment; each change by itself is the exchange's own test.
    for moment in itertools.count(step=5):
        shutil.rmtree(layout.data, ignore_errors=True)
        make_used(layout)
        killed = killed_before_change(moment, partial(restore, path, force=True))
        recover(layout)
        new = layout.admin_password.read_text() == f"{PASSWORD}\n"
        assert runs_in(layout.sqlite_file) == (RUNS if new else {"old": "COMPLETED"})
        assert (layout.results / ("one" if new else "old")).exists()
        seen.add(new)
        if not killed:
            break
    assert seen == {False, True}
    # What the kills left goes with the next restore.
    restore(path, force=True)
    assert not list(layout.data.glob(".*"))


def _stopped() -> None:
    """What `docker stop` does."""
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _refused() -> None:
    raise OSError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize("disturb", [_stopped, _interrupted, _refused])
def test_an_end_in_order_at_any_moment_leaves_the_old_or_the_new(
    layout: Layout, tmp_path: Path, disturb: Callable[[], object]
) -> None:
    """Unlike a kill it runs what cleans up; that must not take what the journal promises."""
    path = make_archive(tmp_path / "elsewhere", RUNS)
    seen = set()
    # Every fourth moment, of which there are several between the journal's making and its end.
    for moment in itertools.count(step=4):
        shutil.rmtree(layout.data, ignore_errors=True)
        make_used(layout)
        code, disturbed = disturbed_before_change(
            moment, partial(restore, path, force=True), disturb
        )
        pending = recover(layout)
        new = layout.admin_password.read_text() == f"{PASSWORD}\n"
        assert runs_in(layout.sqlite_file) == (RUNS if new else {"old": "COMPLETED"})
        assert (layout.results / ("one" if new else "old")).exists()
        assert layout.stamp.exists()
        if disturb is not _refused:
            assert not pending, "what was begun is carried through"
        if code == 0 or pending:
            assert new
        seen.add(new)
        if not disturbed:
            break
    assert seen == {False, True}


def test_the_password_of_a_setting_stays_and_is_told(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD", "given")
    restore(make_archive(tmp_path / "elsewhere", RUNS))
    assert "the password stays the one of ZOE_ADMIN_PASSWORD" in capsys.readouterr().out
    assert runs_in(layout.sqlite_file) == RUNS


def test_not_while_a_zoe_runs_on_the_data(used: Layout, tmp_path: Path) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS)
    with (
        exclusive.holding(used),
        pytest.raises(OperatorError, match="another Zoe uses the data"),
    ):
        restore(path, force=True)
    assert runs_in(used.sqlite_file) == {"old": "COMPLETED"}


def test_a_full_disk_is_told(used: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_archive(tmp_path / "elsewhere", RUNS)

    def too_little(*_: Any, **__: Any) -> None:
        raise WorldError("there is too little room")

    monkeypatch.setattr("appliance.backup.staging.check_space", too_little)
    before = files(used.data)
    with pytest.raises(WorldError, match="too little room"):
        restore(path, force=True)
    assert files(used.data) == before
