"""Bring the database that Prefect's settings name to the schema of the installed Prefect.

Run as `python -m appliance.database.schema`, in a process of its own: Prefect reads its settings
once, from the environment.
"""

from __future__ import annotations

import asyncio

from prefect.server.database import provide_database_interface
from prefect.server.models.block_registration import run_block_auto_registration


async def migrate() -> None:
    """Run Prefect's migrations and register the block types that are installed."""
    database = provide_database_interface()
    await database.create_db()
    async with await database.session() as session:
        await run_block_auto_registration(session=session)
    await (await database.engine()).dispose()


if __name__ == "__main__":
    asyncio.run(migrate())
