"""Events that a client sends twice, written by Prefect's own code into a real file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from prefect.server.database import orm_models
from prefect.server.database.dependencies import (
    provide_database_interface,
    temporary_database_config,
    temporary_query_components,
)
from prefect.server.database.query_components import AioSqliteQueryComponents
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.events.storage.database import write_events
from prefect.types._datetime import now
from sqlalchemy.exc import IntegrityError

from appliance.database.sqlite import ImmediateSqliteConfiguration
from appliance.database.sqlite_queries import RepeatableQueries


def new_event() -> ReceivedEvent:
    return ReceivedEvent.model_validate(
        {
            "id": uuid4(),
            "occurred": now("UTC"),
            "event": "something.happened",
            "resource": {"prefect.resource.id": "something"},
            "related": [],
            "payload": {},
        }
    )


def _make_tables(connection: sa.Connection) -> None:
    known = orm_models.Base.metadata.tables
    tables = [known["events"], known["event_resources"]]
    orm_models.Base.metadata.create_all(connection, tables=tables)


async def written(file: Path, queries: AioSqliteQueryComponents) -> int:
    """Write an event, the same once more, the same with another; return how many are there."""
    configuration = ImmediateSqliteConfiguration(f"sqlite+aiosqlite:///{file}")
    with temporary_database_config(configuration), temporary_query_components(queries):
        db = provide_database_interface()
        engine = await configuration.engine()
        async with engine.begin() as connection:
            await connection.run_sync(_make_tables)
        try:
            known, another = new_event(), new_event()
            for batch in ([known], [known], [known, another]):
                async with db.session_context() as session:
                    await write_events(session=session, events=batch)
                    await session.commit()
            async with db.session_context() as session:
                count = sa.select(sa.func.count()).select_from(db.Event)
                return int((await session.execute(count)).scalar_one())
        finally:
            await engine.dispose()


def test_events_that_are_there_already_stop_none_that_are_new(tmp_path: Path) -> None:
    assert asyncio.run(written(tmp_path / "db", RepeatableQueries())) == 2


def test_prefect_s_own_queries_still_need_this(tmp_path: Path) -> None:
    # Should this fail one day, ours have become needless.
    with pytest.raises(IntegrityError, match="NOT NULL"):
        asyncio.run(written(tmp_path / "db", AioSqliteQueryComponents()))
