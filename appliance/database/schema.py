"""Bring the database that Prefect's settings name to the schema of the installed Prefect.

Run as `python -m appliance.database.schema [--migrations-only]`, in a process of its own: Prefect
reads its settings once, from the environment.
"""

from __future__ import annotations

import asyncio
import sys
import traceback

from prefect.server.database import provide_database_interface
from prefect.server.models.block_registration import run_block_auto_registration

MIGRATIONS_ONLY = "--migrations-only"


async def bring_up_to_date(*, migrations_only: bool) -> None:
    """Run Prefect's migrations and, unless told not to, register the installed block types."""
    database = provide_database_interface()
    await database.create_db()
    if not migrations_only:
        async with await database.session() as session:
            await run_block_auto_registration(session=session)
    await (await database.engine()).dispose()


def main() -> int:
    """Carry out the command line; the last line written says why, when the exit code is 1."""
    try:
        asyncio.run(bring_up_to_date(migrations_only=MIGRATIONS_ONLY in sys.argv[1:]))
    except Exception as error:  # noqa: BLE001 - whatever a migration raises is told and fails it
        traceback.print_exc()
        # SQLAlchemy's messages go on with the statement and a link.
        sys.stderr.write(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
