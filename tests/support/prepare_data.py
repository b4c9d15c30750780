"""Run inside a container of the image: make a data directory for the guards to look at.

    python -c "$(cat prepare_data.py)" sqlite|postgres [older] [newer] [lost] [unmigratable]

`older` takes the schema one of Prefect's migrations back, `newer` names one that Prefect does not
know, `lost` leaves a block behind whose key nobody has, `unmigratable` takes away the table that
the next migration changes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from appliance.database import cluster, postgres, templates
from appliance.layout import Layout, templates_dir

LAYOUT = Layout(Path("/data"))
LOST_BLOCK = """
INSERT INTO block_document (name, data, block_schema_id, block_type_id, block_type_name)
SELECT 'lost', {data}, s.id, t.id, t.name
FROM block_type t JOIN block_schema s ON s.block_type_id = t.id WHERE t.slug = 'secret' LIMIT 1
"""

Execute = Callable[[str], None]


def change(wanted: list[str], url: str, execute: Execute, cast: str) -> None:
    """Make the database what is wanted."""
    if "older" in wanted:
        os.environ["PREFECT_HOME"] = "/tmp/prefect"  # noqa: S108 - a container's own, thrown away
        os.environ["PREFECT_API_DATABASE_CONNECTION_URL"] = url
        # Prefect reads the address at import.
        from prefect.server.database import provide_database_interface  # noqa: PLC0415

        asyncio.run(provide_database_interface().run_migrations_downgrade("-1"))
    if "newer" in wanted:
        execute("UPDATE alembic_version SET version_num = '0123456789ab'")
    if "unmigratable" in wanted:
        execute("ALTER TABLE flow_run RENAME TO elsewhere")
    if "lost" in wanted:
        token = Fernet(Fernet.generate_key()).encrypt(b'{"value": "s"}').decode()
        execute(LOST_BLOCK.format(data=cast.format(f"'{json.dumps(token)}'")))


@contextmanager
def sqlite() -> Iterator[tuple[str, Execute, str]]:
    """Yield address, means and dialect of the file."""
    templates.install_sqlite(templates_dir(), LAYOUT.sqlite_file)

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(LAYOUT.sqlite_file)) as connection, connection:
            connection.execute(statement)

    yield f"sqlite+aiosqlite:///{LAYOUT.sqlite_file}", execute, "{}"


@contextmanager
def embedded_postgres() -> Iterator[tuple[str, Execute, str]]:
    """Yield address, means and dialect of the cluster, which is served meanwhile."""
    bin_dir = postgres.find_bin_dir(None)
    templates.install_postgres(templates_dir(), LAYOUT.postgres_data, bin_dir)
    with (
        cluster.short_socket_dir() as socket_dir,
        cluster.serving(bin_dir, LAYOUT.postgres_data, socket_dir),
    ):

        async def executed(statement: str) -> None:
            async with cluster.connect(socket_dir) as connection:
                await connection.execute(statement)

        def execute(statement: str) -> None:
            asyncio.run(executed(statement))

        yield cluster.connection_url(socket_dir), execute, "CAST({} AS json)"


if __name__ == "__main__":
    with {"sqlite": sqlite, "postgres": embedded_postgres}[sys.argv[1]]() as (url, execute, cast):
        change(sys.argv[2:], url, execute, cast)
