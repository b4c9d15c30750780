"""What a Postgres server of the operator's own refuses, in one line instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from appliance.errors import OperatorError, WorldError

# PostgreSQL's documentation, "PostgreSQL Error Codes": 42501, and 3F000 for a user who has no
# schema to make anything in.
RIGHTS = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError)


@contextmanager
def in_words(what: str, *, where: str, remedy: str = "") -> Iterator[None]:
    """Say what the body of a `with` could not do, and why.

    Args:
        what: What is wrong if it fails, such as "the database cannot be read".
        where: Which database, or where that was set.
        remedy: What to do unless it is a matter of rights.

    Raises:
        OperatorError: The user lacks a right.
        WorldError: Any other refusal, or nobody answers.
    """
    try:
        yield
    except RIGHTS as error:
        raise OperatorError(
            f"{what}: {error}",
            where=where,
            remedy="let that database and all that is in it belong to the user of its URL (ALTER "
            "DATABASE … OWNER TO …), or name another database",
        ) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or type(error).__name__
        raise WorldError(f"{what}: {reason}", where=where, remedy=remedy) from None
