"""Two writers at once on a real file, in the very pattern that Prefect's own setting fails in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prefect.server.api.server import is_client_retryable_exception
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from appliance.database.sqlite import ImmediateSqliteConfiguration


async def read_then_write_twice_at_once(configuration: AioSqliteConfiguration) -> int:
    """Two transactions read before either writes; return the sum that they leave."""
    engine = await configuration.engine()
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))
    both_have_read = asyncio.Barrier(2)

    async def add() -> None:
        session = await configuration.session(engine)
        async with session, configuration.begin_transaction(session):
            value = (await session.execute(text("SELECT value FROM counter"))).scalar_one()
            try:
                # With a lock from the start, the other one cannot have read yet.
                async with asyncio.timeout(0.3):
                    await both_have_read.wait()
            except (TimeoutError, asyncio.BrokenBarrierError):
                pass
            await session.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})

    try:
        await asyncio.gather(add(), add())
        async with engine.connect() as connection:
            return int((await connection.execute(text("SELECT value FROM counter"))).scalar_one())
    finally:
        await engine.dispose()


def test_writer_waits_its_turn(tmp_path: Path) -> None:
    configuration = ImmediateSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db")
    assert asyncio.run(read_then_write_twice_at_once(configuration)) == 2


def test_prefect_s_own_configuration_still_needs_this(tmp_path: Path) -> None:
    # Should this fail one day, our configuration has become needless.
    configuration = AioSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db")
    with pytest.raises(OperationalError, match="database is locked"):
        asyncio.run(read_then_write_twice_at_once(configuration))


def test_every_commit_is_on_the_disk(tmp_path: Path) -> None:
    configuration = ImmediateSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db")

    async def pragmas() -> tuple[int, str]:
        engine = await configuration.engine()
        async with engine.connect() as connection:
            synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar_one()
            journal = (await connection.execute(text("PRAGMA journal_mode"))).scalar_one()
        await engine.dispose()
        return int(synchronous), str(journal)

    # 2 is FULL.
    assert asyncio.run(pragmas()) == (2, "wal")


def test_a_second_session_reads_while_the_first_one_writes(tmp_path: Path) -> None:
    configuration = ImmediateSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db")

    async def write_and_read() -> int:
        engine = await configuration.engine()
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
            await connection.execute(text("INSERT INTO counter VALUES (1)"))
        try:
            writer, reader = (
                await configuration.session(engine),
                await configuration.session(engine),
            )
            async with writer, configuration.begin_transaction(writer):
                await writer.execute(text("UPDATE counter SET value = 2"))
                async with reader:
                    found = await reader.execute(text("SELECT value FROM counter"))
                    return int(found.scalar_one())
        finally:
            await engine.dispose()

    # Only what was committed; and without waiting for ourselves, which takes a minute.
    assert asyncio.run(write_and_read()) == 1


def error_of_a_full_disk(configuration: AioSqliteConfiguration) -> Exception:
    async def fill() -> None:
        engine = await configuration.engine()
        try:
            async with engine.begin() as connection:
                # What SQLite says of a limit of its own is what it says of the disk's.
                await connection.execute(text("CREATE TABLE content (value BLOB)"))
                await connection.execute(text("PRAGMA max_page_count = 10"))
                await connection.execute(text("INSERT INTO content VALUES (zeroblob(1000000))"))
        finally:
            await engine.dispose()

    with pytest.raises(DBAPIError, match="database or disk is full") as caught:
        asyncio.run(fill())
    return caught.value


def test_a_full_disk_is_answered_with_try_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of_a_full_disk(ImmediateSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db"))
    assert is_client_retryable_exception(error)
    assert "the database's disk is full" in capsys.readouterr().out


def test_prefect_s_own_answer_to_a_full_disk_is_final(tmp_path: Path) -> None:
    # Should this fail one day, telling it apart has become needless.
    error = error_of_a_full_disk(AioSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db"))
    assert not is_client_retryable_exception(error)
