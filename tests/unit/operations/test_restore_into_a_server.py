"""Restoring into a PostgreSQL server of the operator's own."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from appliance import credentials, exchange
from appliance.backup import archive, creating, postgres_snapshot
from appliance.errors import OperatorError
from appliance.files import make_private_dir
from appliance.layout import Layout
from appliance.operations.restore import carry_out
from appliance.settings import load
from tests.unit.postgres_server import Server

DATABASE = "p"
TABLES = """
CREATE TABLE flow_run (
    id uuid PRIMARY KEY, state_type text, parent_task_run_id text, deployment_id text
)
"""
ADD_RUN = "INSERT INTO flow_run (id, state_type) VALUES (gen_random_uuid(), 'COMPLETED')"
COUNT_RUNS = "SELECT count(*) FROM flow_run"


class Host:
    """A data directory, the database that it goes with, and a backup of both."""

    def __init__(self, layout: Layout, server: Server) -> None:
        self.layout = layout
        self.server = server

    def ask(self, *statements: str) -> int:
        (number,) = self.server.ask(DATABASE, *statements)
        return int(number)

    def back_up(self) -> str:
        return creating.create(load().settings, self.layout).name

    def backups(self) -> list[str]:
        return sorted(path.name for path in self.layout.data.parent.glob("backups/zoe-*"))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: Server) -> Host:
    (tmp_path / "zoe.toml").touch()
    environment = {
        "ZOE_CONFIG": str(tmp_path / "zoe.toml"),
        "ZOE_DATA_DIR": str(tmp_path / "data"),
        "ZOE_DATABASE": postgres_server.make_database(DATABASE),
        "ZOE_POSTGRES_BIN_DIR": str(postgres_server.bin_dir),
        "ZOE_BACKUP_TARGET": str(tmp_path / "backups"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    host = Host(Layout(tmp_path / "data"), postgres_server)
    host.server.ask(DATABASE, TABLES, ADD_RUN)
    make_private_dir(host.layout.data)
    credentials.ensure(load().settings, host.layout)
    return host


def restore(given: str, *, force: bool = False) -> None:
    carry_out(argparse.Namespace(archive=given, force=force))


def test_over_what_is_there(host: Host) -> None:
    name = host.back_up()
    host.server.ask(DATABASE, ADD_RUN)
    with pytest.raises(OperatorError, match="there is data already"):
        restore(name)
    assert host.ask(COUNT_RUNS) == 2
    restore(name, force=True)
    assert host.ask(COUNT_RUNS) == 1
    assert host.backups()[-1].endswith("-before-restore.tar.gz")


def test_what_cannot_be_exchanged_is_refused_before_the_database_changes(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = host.back_up()
    host.server.ask(DATABASE, ADD_RUN)
    before = host.backups()
    # A mount takes rights that tests need not have; that this one finds others is tested apart.
    monkeypatch.setattr(exchange, "_mounts", lambda: [host.layout.results])
    with pytest.raises(OperatorError, match=r"results is a volume of its own"):
        restore(name, force=True)
    assert host.ask(COUNT_RUNS) == 2
    assert host.backups() == before


OF_ANOTHER = 'CREATE SCHEMA "Billing & ""Co"""', 'CREATE TABLE "Billing & ""Co""".invoice (n int)'
ADD_INVOICE = 'INSERT INTO "Billing & ""Co""".invoice VALUES (1)'
COUNT_INVOICES = 'SELECT count(*) FROM "Billing & ""Co""".invoice'


def test_what_others_keep_in_the_database_is_neither_taken_nor_rolled_back(host: Host) -> None:
    host.server.ask(DATABASE, *OF_ANOTHER, ADD_INVOICE, "SELECT lo_create(4711)")
    host.server.ask(DATABASE, "CREATE EXTENSION pg_trgm")
    host.server.ask(DATABASE, "CREATE INDEX ON flow_run USING gin (state_type gin_trgm_ops)")
    name = host.back_up()
    host.server.ask(DATABASE, ADD_RUN, ADD_INVOICE, "SELECT lo_put(4711, 0, 'kept')")
    restore(name, force=True)
    assert host.ask(COUNT_RUNS) == 1
    assert host.ask(COUNT_INVOICES) == 2
    assert host.server.ask(DATABASE, "SELECT lo_get(4711)") == [b"kept"]

    host.server.make_database(DATABASE)
    restore(name, force=True)
    assert host.ask(COUNT_RUNS) == 1
    assert host.ask("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'") == 1
    assert host.server.ask(DATABASE, 'SELECT to_regnamespace(\'"Billing & ""Co"""\')') == [None]


def test_an_archive_that_holds_what_is_another_s_there_is_refused(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.server.ask(DATABASE, *OF_ANOTHER, ADD_INVOICE)
    with monkeypatch.context() as once:
        once.setattr(postgres_snapshot, "schemas_of_others", _nobody_s)
        name = host.back_up()
    host.server.ask(DATABASE, ADD_RUN, ADD_INVOICE)
    with pytest.raises(OperatorError, match=r'the archive holds the schema Billing & "Co" as well'):
        restore(name, force=True)
    assert (host.ask(COUNT_RUNS), host.ask(COUNT_INVOICES)) == (2, 2)


async def _nobody_s(_: object) -> list[str]:
    """What dumps were made with before others' schemas were left out of them."""
    return []


def test_a_schema_that_only_holds_extensions_comes_along(host: Host) -> None:
    host.server.ask(
        DATABASE,
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION pg_trgm SCHEMA extensions",
        "CREATE INDEX ON flow_run USING gin (state_type extensions.gin_trgm_ops)",
    )
    name = host.back_up()
    host.server.make_database(DATABASE)
    restore(name, force=True)
    assert host.ask("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'") == 1


def test_after_the_loss_of_the_volume_only(
    host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is there is saved without the secrets, which are those that are to come back."""
    name = host.back_up()
    host.server.ask(DATABASE, ADD_RUN)
    new = Layout(tmp_path / "new")
    monkeypatch.setenv("ZOE_DATA_DIR", str(new.data))
    with pytest.raises(OperatorError, match="there is data already"):
        restore(name)
    restore(name, force=True)
    assert host.ask(COUNT_RUNS) == 1
    for secret in ("admin_password", "encryption_key"):
        assert (new.secrets_dir / secret).read_text() == (
            host.layout.secrets_dir / secret
        ).read_text()
    said = capsys.readouterr().out
    assert "without the secrets admin_password and encryption_key, which are not there" in said
    saved = archive.read_manifest(tmp_path / "backups" / host.backups()[-1], None)
    assert saved.tables == {"flow_run": 2}
    assert not [file for file in saved.files if file.startswith("secrets/")]


def test_a_secret_that_is_there_and_cannot_be_read_stops_the_restore(host: Host) -> None:
    name = host.back_up()
    host.server.ask(DATABASE, ADD_RUN)
    host.layout.encryption_key.write_text("")
    with pytest.raises(OperatorError, match="encryption_key is empty"):
        restore(name, force=True)
    assert host.ask(COUNT_RUNS) == 2
