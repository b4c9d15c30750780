from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.backup import dump
from appliance.backup.postgres_snapshot import Address, external
from appliance.errors import OperatorError, WorldError
from tests.unit.postgres_server import SUPERUSER, Server
from tests.unit.support import free_port

PG_RESTORE = """#!/bin/sh
echo "$@" > "$(dirname "$0")/words"
echo "$PGPASSWORD" > "$(dirname "$0")/password"
exit 0
"""


def program(directory: Path, text: str) -> Path:
    path = directory / "pg_restore"
    path.write_text(text)
    path.chmod(0o700)
    return path


@pytest.mark.parametrize("replace", [False, True])
def test_a_dump_is_loaded_in_one_transaction_and_the_password_is_no_word(
    tmp_path: Path, replace: bool
) -> None:
    address = Address("postgresql://zoe@db/prefect", "secret")
    dump.load(program(tmp_path, PG_RESTORE), Path("/the.dump"), address, replace=replace)
    words = (tmp_path / "words").read_text()
    assert "--single-transaction" in words
    assert "--dbname=postgresql://zoe@db/prefect" in words
    assert words.rstrip().endswith("/the.dump")
    assert ("--clean" in words) is replace
    assert "secret" not in words
    assert (tmp_path / "password").read_text() == "secret\n"


def test_what_postgres_says_is_told(tmp_path: Path) -> None:
    failing = program(tmp_path, "#!/bin/sh\necho 'pg_restore: error: no such thing' >&2; exit 1")
    with pytest.raises(WorldError, match="cannot be loaded: pg_restore: error: no such thing"):
        dump.load(failing, Path("/the.dump"), Address("postgresql:///x"))


def test_tables_that_are_not_the_archive_s_are_refused() -> None:
    dump.check_room({"log": 1, "flow": 2}, {"log": 5})
    dump.check_room({"log": 1}, {})
    with pytest.raises(OperatorError, match="not in the archive, such as customers"):
        dump.check_room({"log": 1}, {"customers": 0, "log": 5})


@pytest.mark.parametrize("ask", [dump.rows, dump.under_way])
def test_a_server_that_is_away_is_told(ask: object) -> None:
    address = Address(f"postgresql://zoe@127.0.0.1:{free_port()}/prefect", "secret")
    with pytest.raises(WorldError, match="the database cannot be used") as failure:
        asyncio.run(ask(address))  # type: ignore[operator]
    assert "secret" not in failure.value.line()


@pytest.mark.parametrize("ask", [dump.rows, dump.under_way])
def test_tables_of_somebody_else_are_the_operator_s_mistake(
    postgres_server: Server, ask: object
) -> None:
    url = postgres_server.make_database("dumped")
    columns = "id int, state_type text, parent_task_run_id int, deployment_id int"
    schema = f"CREATE TABLE flow_run ({columns})"
    postgres_server.ask("dumped", schema, user=SUPERUSER)
    with pytest.raises(OperatorError, match="permission denied for table flow_run") as failure:
        asyncio.run(ask(external(url)))  # type: ignore[operator]
    assert "OWNER TO" in failure.value.line()
