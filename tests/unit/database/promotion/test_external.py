"""With a real server: what a promotion may replace in a database that is not ours, and what not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.database import revisions
from appliance.database.promotion import external
from appliance.database.promotion.external import difference, place
from appliance.database.promotion.source import Source, opened
from appliance.errors import OperatorError, WorldError
from appliance.settings import DatabaseEngine
from tests.unit.postgres_server import SUPERUSER, Server
from tests.unit.support import free_port

DATABASE = "promotion"
# What Prefect's migrations make, as far as it matters here.
SCHEMA = "CREATE TABLE flow_run (id uuid PRIMARY KEY, start_time timestamptz)"
RUN = "INSERT INTO flow_run VALUES (gen_random_uuid(), now())"


@pytest.fixture
def url(postgres_server: Server) -> str:
    return postgres_server.make_database(DATABASE)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    """A SQLite database with one flow run."""
    path = tmp_path / "prefect.db"
    head = revisions.known(DatabaseEngine.SQLITE).head
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num);"
            "CREATE TABLE flow_run (id CHAR(36) PRIMARY KEY, start_time);"
            "INSERT INTO flow_run VALUES ('00000000-0000-4000-8000-000000000001', '2026-11-21');"
        )
        connection.execute("INSERT INTO alembic_version VALUES (?)", (head,))
        connection.commit()
    with opened(path, lambda: None) as source:
        yield source


def mark(url: str) -> bool:
    return asyncio.run(external.mark(url, ["flow_run"]))


def fill(url: str, source: Source) -> dict[str, int]:
    return asyncio.run(external.fill(url, source, lambda _: None))


def holds_prefect(url: str) -> bool:
    return asyncio.run(external.holds_prefect(url))


def test_only_what_came_since_is_taken_away() -> None:
    before = {"TABLE": ["theirs"], "EXTENSION": ["plpgsql"]}
    now = {
        "TABLE": ["theirs", "flow", "zoe_promotion"],
        "TYPE": ["state"],
        "EXTENSION": ["plpgsql"],
    }
    assert difference(now, before) == {
        "TABLE": ["flow", "zoe_promotion"],
        "TYPE": ["state"],
        "EXTENSION": [],
    }


def test_place_tells_no_secret() -> None:
    assert place("postgresql://user:secret@db/prefect?sslmode=require") == "db:5432/prefect"


def test_a_failure_takes_away_what_was_made_and_the_mark(postgres_server: Server, url: str) -> None:
    postgres_server.ask(DATABASE, "CREATE TABLE theirs (x int)")
    assert mark(url) is False
    postgres_server.ask(DATABASE, SCHEMA)
    asyncio.run(external.undo(url))
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    assert postgres_server.ask(DATABASE, tables) == ["theirs"]


def test_a_promotion_that_was_killed_is_gone_on_with(
    postgres_server: Server, url: str, source: Source
) -> None:
    assert mark(url) is False
    assert mark(url) is True
    postgres_server.ask(DATABASE, SCHEMA)
    assert mark(url) is True
    assert fill(url, source) == {"flow_run": 1}
    # Killed between the copy and the note of it: SQLite is in charge, and may have gone on.
    assert not holds_prefect(url)
    assert mark(url) is True
    assert fill(url, source) == {"flow_run": 1}
    asyncio.run(external.unmark(url))
    assert holds_prefect(url)
    with pytest.raises(OperatorError, match=r"is not empty: it has flow_run \(--to\)"):
        mark(url)


@pytest.mark.parametrize("copied", [True, False])
def test_what_was_used_since_is_not_gone_on_with(
    postgres_server: Server, url: str, source: Source, copied: bool
) -> None:
    mark(url)
    postgres_server.ask(DATABASE, SCHEMA)
    if copied:
        fill(url, source)
    postgres_server.ask(DATABASE, RUN)
    assert holds_prefect(url)
    with pytest.raises(OperatorError, match="has been used since"):
        mark(url)
    assert postgres_server.ask(DATABASE, "SELECT count(*) FROM flow_run") == [1 + copied]


def test_database_of_somebody_else_is_the_operator_s_mistake(
    postgres_server: Server,
) -> None:
    postgres_server.make_database(DATABASE, owner=SUPERUSER)
    statements = ("REVOKE CREATE ON SCHEMA public FROM PUBLIC", SCHEMA)
    postgres_server.ask(DATABASE, *statements, user=SUPERUSER)
    with pytest.raises(OperatorError, match="permission denied for schema public") as caught:
        asyncio.run(external.mark(postgres_server.url(DATABASE), []))
    assert "OWNER TO" in caught.value.line()
    assert "hidden" not in caught.value.line()


def test_mark_of_somebody_else_cannot_be_taken_away(postgres_server: Server) -> None:
    postgres_server.make_database(DATABASE, owner=SUPERUSER)
    mark(postgres_server.url(DATABASE, SUPERUSER))
    with pytest.raises(OperatorError, match=f"must be owner of table {external.MARKER}"):
        asyncio.run(external.unmark(postgres_server.url(DATABASE)))


def test_database_that_is_away_is_the_world_s() -> None:
    url = f"postgresql://zoe:hidden@127.0.0.1:{free_port()}/p"
    with pytest.raises(WorldError, match=r"cannot be used: .*Connect call failed") as caught:
        mark(url)
    assert "hidden" not in caught.value.line()
