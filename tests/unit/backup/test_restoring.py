from __future__ import annotations

from pathlib import Path

import pytest

from appliance.backup import archive
from appliance.backup.restoring import compare, complete, replacements
from appliance.errors import WorldError
from appliance.layout import Layout
from appliance.settings import DatabaseEngine
from tests.unit.backup.archives import fill, make_archive, make_database


def unpacked(path: Path, into: Path) -> None:
    complete(Layout(into), archive.extract(path, into, None), None)


def test_an_unpacked_archive_becomes_a_data_directory(tmp_path: Path) -> None:
    fresh = Layout(tmp_path / "fresh")
    path = make_archive(
        tmp_path, {"a": "RUNNING", "b": "COMPLETED"}, files={"secrets/empty_blocks": ""}
    )
    unpacked(path, fresh.data)
    assert not fresh.empty_blocks.exists()
    assert (fresh.data / "restored-settings" / "zoe.toml").read_text() == "worker_limit = 3\n"
    assert not (fresh.data / "settings").exists()
    assert [path.name for path in fresh.ledger.glob("*.json")] == ["a.json"]
    assert fresh.sqlite_file.exists()


def test_other_rows_than_promised_are_refused(tmp_path: Path) -> None:
    path = make_archive(tmp_path, {"a": "COMPLETED"}, tables={"flow_run": 2})
    with pytest.raises(WorldError, match=r"1 rows in table flow_run, and .* says 2 rows"):
        unpacked(path, tmp_path / "fresh")


def test_a_damaged_database_is_refused_whatever_its_checksum(tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    make_database(staged / "database" / "prefect.db", {"a": "COMPLETED"})
    with (staged / "database" / "prefect.db").open("r+b") as file:
        file.write(b"not a database, whatever it says")
    path = make_archive(tmp_path, {})
    fresh = tmp_path / "fresh"
    manifest = archive.extract(path, fresh, None)
    (staged / "database" / "prefect.db").replace(fresh / "database" / "prefect.db")
    with pytest.raises(WorldError, match="the archive's database is damaged"):
        complete(Layout(fresh), manifest, None)


@pytest.mark.parametrize(
    ("promised", "found", "words"),
    [
        ({"log": 1}, {}, "holds nothing in table log, and .* says 1 rows"),
        ({}, {"log": 1}, "holds 1 rows in table log, and .* says nothing"),
    ],
)
def test_a_table_too_many_or_too_few_is_named(
    promised: dict[str, int], found: dict[str, int], words: str
) -> None:
    compare(found, found)
    with pytest.raises(WorldError, match=words):
        compare(promised, found)


@pytest.mark.parametrize(
    ("engine", "databases"),
    [
        (DatabaseEngine.SQLITE, {"database": True, "postgres": False}),
        (
            DatabaseEngine.EMBEDDED_POSTGRES,
            {"postgres": True},
        ),
        (DatabaseEngine.EXTERNAL_POSTGRES, {}),
    ],
)
def test_what_is_exchanged_fits_the_engine(
    tmp_path: Path, engine: DatabaseEngine, databases: dict[str, bool]
) -> None:
    layout, fresh = Layout(tmp_path), Layout(tmp_path / "fresh")
    fill(fresh.data, {"zoe.json": "", "secrets/key": "", "worker/runs/a.json": ""})
    for name, is_there in databases.items():
        if is_there:
            (fresh.data / name).mkdir()
    found = {
        str(target.relative_to(layout.data)): replacement is not None
        for target, replacement in replacements(layout, fresh, engine).items()
    }
    assert found == {
        **databases,
        "secrets": True,
        "worker/runs": True,
        "zoe.json": True,
        "results": False,
        "prefect": False,
        "restored-settings": False,
        "migration.json": False,
    }
