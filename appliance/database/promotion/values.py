"""One value from SQLite in Postgres' terms, by the type of the column that it goes to.

What Prefect keeps in SQLite as text or number has one form for each Postgres type: UUIDs and enums
are text, times are naive UTC text, durations are the time so long after the Unix epoch (SQLAlchemy,
`Interval`), JSON is text or, since a column declared JSON has numeric affinity, a number (SQLite
documentation, "Determination Of Column Affinity").
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Convert = Callable[[Any], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# What JSON may hold in SQLite and may not in Postgres: NUL, half a surrogate pair, and numbers
# that are none. A match means to look closer, not that something is wrong.
SUSPICIOUS_JSON = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|NaN|Infinity")


def converter(postgres_type: str, *, is_enum: bool) -> Convert | None:
    """Return what turns SQLite's value into one that asyncpg takes; None for an unknown type.

    Args:
        postgres_type: As `format_type` names it.
        is_enum: Whether it is an enumeration.
    """
    if is_enum or postgres_type.startswith("character varying"):
        return text
    return BY_TYPE.get(postgres_type)


def text(value: Any) -> str:
    """Return text without NUL, which Postgres cannot store; Prefect itself drops it from logs."""
    if not isinstance(value, str):
        raise TypeError(f"text is expected, not {type(value).__name__}")
    return value.replace("\x00", "")


def boolean(value: Any) -> bool:
    """Return SQLite's 0 or 1 as a boolean."""
    if value not in {0, 1}:
        raise ValueError("0 or 1 is expected")
    return bool(value)


def timestamp(value: Any) -> datetime:
    """Return a moment; without an offset it is UTC."""
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def interval(value: Any) -> timedelta:
    """Return the duration that SQLAlchemy keeps as a moment after the Unix epoch.

    The schema's own default is the number 0, which was meant as no time at all.
    """
    return timedelta(seconds=value) if isinstance(value, int) else timestamp(value) - EPOCH


def json_text(value: Any) -> str:
    """Return JSON that Postgres takes, untouched where that is possible.

    NaN and the infinities become null, as Prefect makes them when it writes today; NUL is dropped
    and half a surrogate pair becomes U+FFFD.
    """
    if isinstance(value, int | float):
        return json.dumps(value)
    if not SUSPICIOUS_JSON.search(value):
        return text(value)
    return json.dumps(_clean(json.loads(value, parse_constant=lambda _: None)))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", value.replace("\x00", ""))
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def comparable_json(value: str) -> Any:
    """Return JSON in a form that is equal where the meaning is.

    Postgres writes numbers in its own way and without the limits of a float, hence the decimals.
    """
    return json.loads(value, parse_float=Decimal, parse_int=Decimal)


BY_TYPE: dict[str, Convert] = {
    "uuid": uuid.UUID,
    "boolean": boolean,
    "integer": int,
    "smallint": int,
    "bigint": int,
    "double precision": float,
    "text": text,
    "timestamp with time zone": timestamp,
    "interval": interval,
    "json": json_text,
    "jsonb": json_text,
}
