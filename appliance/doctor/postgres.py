"""What a Postgres server tells of itself, embedded or the operator's own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from appliance.database.postgres import DATABASE, SUPERUSER
from appliance.doctor.finding import Finding, problem, warning, well
from appliance.doctor.patient import Patient
from appliance.doctor.words import size
from appliance.errors import WorldError
from appliance.settings import DatabaseEngine

CHECK = "database"
PATIENCE_SECONDS = 10.0
CROWDED = 0.9

QUESTIONS = """
SELECT extract(epoch FROM clock_timestamp())::float8 AS clock,
       coalesce((SELECT sum(checksum_failures) FROM pg_stat_database), 0)::bigint AS rotten,
       pg_database_size(current_database()) AS bytes,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS clients,
       current_setting('max_connections')::int AS places,
       to_regclass('alembic_version') IS NOT NULL AS has_schema
"""


@dataclass(frozen=True)
class Told:
    """What the server told.

    Attributes:
        ahead: This machine's clock minus the server's, in seconds.
        rotten: Pages whose checksum did not fit, since its statistics began.
        size: Bytes of our database.
        clients: Connections that are open.
        places: How many there may be.
        revision: The schema's revision; None where there is no schema.
    """

    ahead: float
    rotten: int
    size: int
    clients: int
    places: int
    revision: str | None


def ask(patient: Patient) -> Told:
    """Connect and ask.

    Raises:
        WorldError: It cannot be asked.
    """
    try:
        return asyncio.run(_ask(patient))
    except TimeoutError:
        reason = f"it did not answer within {PATIENCE_SECONDS:g} s"
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error)
    raise WorldError(
        f"the database cannot be asked: {reason}",
        where="ZOE_DATABASE",
        remedy="start it, or mend the URL",
    )


def judge(told: Told) -> Iterator[Finding]:
    """Judge what it told, clock and schema apart."""
    findings = []
    if told.rotten:
        findings.append(
            problem(
                CHECK,
                f"Postgres met {told.rotten} pages whose checksum does not fit: the disk rots",
                "make a backup now (zoe backup create), restore the newest one that is whole on "
                "another disk",
            )
        )
    if told.clients >= CROWDED * told.places:
        findings.append(
            warning(
                CHECK,
                f"{told.clients} of the {told.places} connections that Postgres allows are taken",
                "raise max_connections, or put fewer clients on it",
            )
        )
    yield from findings
    if not findings:
        yield well(CHECK, f"Postgres answers, its pages are sound ({size(told.size)})")


async def _ask(patient: Patient) -> Told:
    async with asyncio.timeout(PATIENCE_SECONDS):
        connection = await _connected(patient)
        try:
            row = await connection.fetchrow(QUESTIONS)
            revision = None
            if row["has_schema"]:
                revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        finally:
            await connection.close()
    return Told(
        ahead=time.time() - row["clock"],
        rotten=row["rotten"],
        size=row["bytes"],
        clients=row["clients"],
        places=row["places"],
        revision=revision,
    )


async def _connected(patient: Patient) -> asyncpg.Connection:
    if patient.settings.engine is DatabaseEngine.EMBEDDED_POSTGRES:
        return await asyncpg.connect(
            host=str(patient.runtime.postgres_socket_dir), user=SUPERUSER, database=DATABASE
        )
    parts = urlsplit(patient.settings.database.get_secret_value())
    return await asyncpg.connect(urlunsplit(parts._replace(scheme="postgresql")))
