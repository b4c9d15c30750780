from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from appliance.database import findings, migration
from appliance.errors import OperatorError, WorldError
from appliance.files import read_json
from appliance.layout import Layout
from tests.unit import small_database
from tests.unit.small_database import BEFORE_HEAD, HEAD
from tests.unit.support import make_settings

NEW_INDEX = "SELECT name FROM sqlite_master WHERE name LIKE '%coalesce_start_time'"


class Data:
    """A data directory with a SQLite database, and the backups asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(root / "data")
        self.backups: list[Path] = []

    def make(self, **values: Any) -> None:
        small_database.make(self.layout.sqlite_file, **values)

    def backup(self) -> Path:
        """Stand in for a backup: what matters here is when it is made, and of what."""
        target = self.root / f"backup-{len(self.backups)}"
        target.write_text(",".join(self.revisions()))
        self.backups.append(target)
        return target

    def revisions(self) -> list[str]:
        return small_database.query(
            self.layout.sqlite_file, "SELECT version_num FROM alembic_version"
        )

    def bring_up_to_date(self, make_backup: migration.MakeBackup | None = None) -> bool:
        environment = {
            "PREFECT_HOME": str(self.root / "prefect"),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.layout.sqlite_file}",
        }
        found = findings.of_sqlite(self.layout.sqlite_file)
        return migration.bring_up_to_date(
            make_settings(), self.layout, found, environment, make_backup or self.backup
        )


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


def test_older_schema_is_backed_up_and_migrated(
    data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    data.make(revisions=[BEFORE_HEAD])
    assert data.bring_up_to_date()
    assert data.revisions() == [HEAD]
    assert small_database.query(data.layout.sqlite_file, NEW_INDEX)
    (backup,) = data.backups
    assert backup.read_text() == BEFORE_HEAD
    assert not data.layout.migration.exists()
    said = capfd.readouterr().out
    assert f"the backup before it is {backup}" in said
    assert "the database is migrated for Prefect 3.8.8" in said

    data.bring_up_to_date()
    assert len(data.backups) == 1


@pytest.mark.parametrize("revisions", [[], [HEAD]])
def test_new_and_current_ones_need_nothing(data: Data, revisions: list[str]) -> None:
    data.make(revisions=revisions)
    data.layout.migration.write_text("{}")
    assert data.bring_up_to_date() is bool(revisions), "an empty one is left to Prefect"
    assert data.backups == []
    assert not data.layout.migration.exists(), "a note of an earlier attempt counts no more"


@pytest.mark.parametrize(
    "error", [WorldError("the target is full", remedy="x"), OSError(28, os.strerror(28))]
)
def test_without_a_backup_nothing_is_migrated(data: Data, error: Exception) -> None:
    data.make(revisions=[BEFORE_HEAD])
    before = data.layout.sqlite_file.read_bytes()

    def full() -> object:
        raise error

    with pytest.raises(OperatorError) as caught:
        data.bring_up_to_date(full)
    line = caught.value.line()
    assert line.startswith("the database must be migrated for Prefect 3.8.8, and the backup before")
    assert "full" in line or "No space left on device" in line
    assert "start again; nothing was migrated" in line
    assert data.layout.sqlite_file.read_bytes() == before
    assert not data.layout.migration.exists()


def test_failed_migration_names_the_backup_that_further_attempts_keep(data: Data) -> None:
    data.make(revisions=[BEFORE_HEAD], migratable=False)
    for _ in range(2):
        with pytest.raises(OperatorError) as caught:
            data.bring_up_to_date()
        line = caught.value.line()
        assert "failed: OperationalError: (sqlite3.OperationalError) no such table" in line
        assert "flow_run" in line
        assert f"with the Zoe that you had: zoe restore --force {data.backups[0]}, and" in line
    assert len(data.backups) == 1
    assert data.revisions() == [BEFORE_HEAD]
    assert stat.S_IMODE(data.layout.migration.stat().st_mode) == 0o600
    note = read_json(data.layout.migration)
    assert note == {"from": [BEFORE_HEAD], "to": HEAD, "backup": str(data.backups[0])}

    data.backups[0].unlink()
    with pytest.raises(OperatorError):
        data.bring_up_to_date()
    assert len(data.backups) == 2
