"""Which database is taken; those of Postgres are taken in tests/image/test_backup.py."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import pytest

from appliance.backup.snapshot import Snapshot, source_of
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout
from tests.unit.backup.databases import REVISION, make_database
from tests.unit.support import make_settings


def test_sqlite(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    make_database(layout.sqlite_file)
    (tmp_path / "staged").mkdir()
    with source_of(make_settings(), layout, locked=False) as source:
        assert source.size() >= layout.sqlite_file.stat().st_size
        taken = source.take(tmp_path / "staged")
    assert taken == Snapshot("sqlite", REVISION, {"flow_run": 3, "log": 3})
    assert (tmp_path / "staged" / "database" / "prefect.db").is_file()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "there is no database in"),
        ({"database": "postgres"}, "there is no database in"),
        (
            {"components": ("worker",), "api_url": "http://zoe:4200/api"},
            "there is no database here to back up",
        ),
    ],
)
def test_where_there_is_none_that_is_said(
    values: dict[str, Any], words: str, tmp_path: Path
) -> None:
    settings = make_settings(**values)
    with (
        pytest.raises(OperatorError, match=words),
        source_of(settings, Layout(tmp_path), locked=False),
    ):
        pass


def test_a_cluster_that_a_zoe_has_and_does_not_serve_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path / "run"))
    layout = Layout(tmp_path)
    layout.postgres_data.mkdir()
    with layout.lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with (
            pytest.raises(WorldError, match="the database does not answer"),
            source_of(make_settings(database="postgres"), layout, locked=False),
        ):
            pass
