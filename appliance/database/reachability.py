"""Whether a Postgres server of the operator's own can be used, told in seconds and in words."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from appliance.errors import OperatorError

PATIENCE_SECONDS = 3.5


def check(url: str) -> None:
    """Connect once.

    Args:
        url: A `postgresql://` URL as the operator wrote it; its password is never repeated.

    Raises:
        OperatorError: It can't be reached, or it does not let us in.
    """
    parts = urlsplit(url)
    dsn = urlunsplit(parts._replace(scheme="postgresql"))
    place = f"{parts.hostname}:{parts.port or 5432}"
    try:
        asyncio.run(_connect(dsn))
    except TimeoutError:
        reason = f"it did not answer within {PATIENCE_SECONDS:g} s"
    except OSError as error:
        # asyncio's own words name the call that failed; the system's say why.
        reason = os.strerror(error.errno) if error.errno else str(error)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error)
    else:
        return
    raise OperatorError(
        f"the database at {place} cannot be used: {reason}",
        where="ZOE_DATABASE",
        remedy="mend the URL, or start that server and try again",
    )


async def _connect(dsn: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        connection = await asyncpg.connect(dsn)
        await connection.close()
