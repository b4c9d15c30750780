"""What is refused before anything is touched; the promotion itself is shown against the image."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from appliance.database.promotion import note
from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.operations import promote
from appliance.settings import DatabaseEngine
from tests.unit.support import make_settings


@pytest.mark.parametrize("database", ["sqlite", "postgres", "postgresql://u:p@prod/db"])
@pytest.mark.parametrize(
    "to",
    ["sqlite", "mysql://a/b", "postgress", "postgresql:/u:p@h/b", "postgresql://u:p@h:x/b", ""],
)
def test_target_that_is_no_postgres(to: str, database: str) -> None:
    with pytest.raises(OperatorError, match=r"where to promote to \(--to\)"):
        promote.settings_of_target(to, make_settings(database=database))


def test_without_a_target_it_is_the_one_of_the_settings() -> None:
    with pytest.raises(OperatorError, match="--to is not given, and ZOE_DATABASE is sqlite"):
        promote.settings_of_target(None, make_settings())
    target = promote.settings_of_target(None, make_settings(database="postgres"))
    assert target.engine is DatabaseEngine.EMBEDDED_POSTGRES


def test_target_wins_over_the_settings_and_the_rest_stays() -> None:
    settings = make_settings(port=4444)
    target = promote.settings_of_target("postgresql://u:p@db/prefect", settings)
    assert target.engine is DatabaseEngine.EXTERNAL_POSTGRES
    assert target.port == 4444
    assert settings.engine is DatabaseEngine.SQLITE


def test_nothing_to_promote(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no SQLite database to promote"):
        promote.check(Layout(tmp_path))
    assert not list(tmp_path.iterdir())


def test_promoted_already(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.sqlite_file.parent.mkdir()
    layout.sqlite_file.touch()
    note.finish(layout, note.begin(layout, note.EMBEDDED))
    with pytest.raises(OperatorError, match="promoted to postgres already"):
        promote.check(layout)


def test_refusal_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    layout.sqlite_file.parent.mkdir()
    layout.sqlite_file.write_bytes(b"")
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path))
    with pytest.raises(OperatorError, match="does not have the schema"):
        promote.carry_out(argparse.Namespace(to="postgres"))
    assert layout.sqlite_file.read_bytes() == b""
    assert not layout.promoted.exists()
    assert not layout.postgres_data.exists()
