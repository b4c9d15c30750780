from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

import pytest

from appliance import stamp
from appliance.backup import archive
from appliance.database import findings, migration
from appliance.database.promotion import external
from appliance.errors import OperatorError
from appliance.files import read_json
from appliance.guards import opens
from appliance.layout import Layout, Runtime
from appliance.operations import restore, run
from appliance.server import opening
from appliance.settings import load
from tests.unit import small_database
from tests.unit.postgres_server import Server
from tests.unit.small_database import new_key
from tests.unit.support import make_settings


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def check(layout: Layout) -> findings.Findings:
    return opening.check(make_settings(), layout, Runtime(layout.data / "run"))


def test_missing_key_is_made_where_nothing_needs_the_old_one(layout: Layout) -> None:
    small_database.make(layout.sqlite_file)
    assert check(layout).revisions == {small_database.HEAD}
    key = layout.encryption_key.read_text()
    check(layout)
    assert layout.encryption_key.read_text() == key


def test_missing_key_is_not_made_over_blocks(layout: Layout) -> None:
    small_database.make(layout.sqlite_file, blocks={"one": new_key()})
    with pytest.raises(OperatorError, match="is missing"):
        check(layout)
    assert not layout.encryption_key.exists()


def test_blocks_given_up_are_emptied_once(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    small_database.make(layout.sqlite_file, blocks={"one": new_key(), "two": new_key()})
    layout.secrets_dir.mkdir()
    layout.empty_blocks.touch()
    check(layout)
    said = capsys.readouterr().out
    (backup,) = layout.backups.glob("zoe-*-before-emptying.tar.gz")
    assert f"emptied 2 blocks, to be filled in again; {backup} holds the content" in said
    assert not layout.empty_blocks.exists()
    assert opens(layout.encryption_key.read_text().strip(), check(layout))


def test_conductor_knows_meanwhile(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(layout.data / "run")
    seen: list[str] = []
    small_database.make(layout.sqlite_file)

    def look(*_: object) -> None:
        seen.append(runtime.opening.read_text())

    monkeypatch.setattr(migration, "bring_up_to_date", look)
    opening.migrate(make_settings(), layout, runtime, check(layout), {})
    assert seen == [str(os.getpid())]
    assert not runtime.opening.exists()


OLDER, NEWER = "0.0.1", "99.0.0"


def used_by(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be another version of Zoe from here on."""
    monkeypatch.setattr(stamp, "__version__", version)
    monkeypatch.setattr(restore, "__version__", version)


def test_the_backup_before_a_migration_is_for_the_zoe_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path / "data"))
    settings = load().settings
    layout, runtime = Layout(tmp_path / "data"), Runtime(tmp_path / "run")
    used_by(OLDER, monkeypatch)
    small_database.make(layout.sqlite_file, revisions=[small_database.BEFORE_HEAD])
    layout.encryption_key.parent.mkdir()
    layout.encryption_key.write_text(new_key())
    stamp.write(layout)

    used_by(NEWER, monkeypatch)
    run.prepare(load(), layout, runtime)
    found = opening.check(settings, layout, runtime)
    environment = {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{layout.sqlite_file}",
    }
    opening.migrate(settings, layout, runtime, found, environment)
    assert read_json(layout.stamp) == {"zoe": NEWER}
    (backup,) = layout.backups.iterdir()
    assert archive.read_manifest(backup, None).zoe == OLDER

    used_by(OLDER, monkeypatch)
    with pytest.raises(OperatorError, match=f"last used by Zoe {NEWER}"):
        stamp.check(layout)
    restore.carry_out(argparse.Namespace(archive=backup.name, force=True))
    stamp.check(layout)
    assert findings.of_sqlite(layout.sqlite_file).revisions == {small_database.BEFORE_HEAD}


def test_what_was_not_migrated_stays_the_older_zoe_s(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_by(OLDER, monkeypatch)
    small_database.make(
        layout.sqlite_file, revisions=[small_database.BEFORE_HEAD], migratable=False
    )
    stamp.write(layout)
    used_by(NEWER, monkeypatch)
    environment = {
        "PREFECT_HOME": str(layout.data / "prefect"),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{layout.sqlite_file}",
    }
    found = check(layout)
    with pytest.raises(OperatorError, match="zoe restore --force"):
        opening.migrate(make_settings(), layout, Runtime(layout.data / "run"), found, environment)
    assert read_json(layout.stamp) == {"zoe": OLDER}


def test_mark_of_a_promotion_goes_before_the_database_is_served(
    postgres_server: Server, layout: Layout
) -> None:
    url = postgres_server.make_database("served")
    settings = make_settings(database=url)
    opening.claim(settings)
    asyncio.run(external.mark(url, []))
    opening.claim(settings)
    marked = f"SELECT to_regclass('{external.MARKER}') IS NOT NULL"
    assert postgres_server.ask("served", marked) == [False]
    opening.claim(make_settings(data_dir=layout.data))
