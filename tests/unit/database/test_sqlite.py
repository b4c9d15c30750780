"""Two writers at once on a real file, in the very pattern that Prefect's own setting fails in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

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
