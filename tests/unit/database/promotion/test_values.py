from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from appliance.database.promotion.values import comparable_json, converter

MOMENT = datetime(2026, 3, 1, 12, 30, 5, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "stored", "value"),
    [
        ("uuid", "0b8f1f0e-2f0c-4a53-9a3d-0f5c8f1d2a77", UUID("0b8f1f0e2f0c4a539a3d0f5c8f1d2a77")),
        ("boolean", 1, True),
        ("boolean", 0, False),
        ("integer", 7, 7),
        ("smallint", 20, 20),
        ("double precision", 2, 2.0),
        ("text", "a NUL \x00 inside", "a NUL  inside"),
        ("character varying(32)", "x", "x"),
        ("timestamp with time zone", "2026-03-01 12:30:05.250000", MOMENT),
        ("timestamp with time zone", "2026-03-01 12:30:05.250", MOMENT),
        ("timestamp with time zone", "2026-03-01T14:30:05.25+02:00", MOMENT),
        ("interval", "1970-01-02 00:00:01.500000", timedelta(days=1, seconds=1.5)),
        # The schema's own default.
        ("interval", 0, timedelta()),
        ("jsonb", '{"a":  1}', '{"a":  1}'),
        # Numeric affinity made numbers of what looked like one.
        ("jsonb", 5, "5"),
        ("json", 1.5, "1.5"),
    ],
)
def test_every_type_of_prefect_s_schema(kind: str, stored: Any, value: Any) -> None:
    convert = converter(kind, is_enum=False)
    assert convert is not None
    assert convert(stored) == value


def test_an_enumeration_is_text_and_a_new_type_is_not_guessed() -> None:
    assert converter("state_type", is_enum=True) is not None
    assert converter("state_type", is_enum=False) is None


@pytest.mark.parametrize(
    ("stored", "meaning"),
    [
        ('{"x": [NaN, Infinity, -Infinity, 1]}', {"x": [None, None, None, 1]}),
        ('{"a\\u0000b": "c\\u0000"}', {"ab": "c"}),
        ('"half \\ud83d, whole \\ud83d\\ude00"', "half \ufffd, whole \U0001f600"),
        ('"the word NaN"', "the word NaN"),
    ],
)
def test_json_that_postgres_refuses_is_mended(stored: str, meaning: Any) -> None:
    convert = converter("jsonb", is_enum=False)
    assert convert is not None
    assert json.loads(convert(stored)) == meaning


@pytest.mark.parametrize(
    ("kind", "stored"),
    [("boolean", "yes"), ("uuid", "nonsense"), ("text", 5), ("timestamp with time zone", "soon")],
)
def test_what_has_no_counterpart_is_an_error(kind: str, stored: Any) -> None:
    convert = converter(kind, is_enum=False)
    assert convert is not None
    with pytest.raises((ValueError, TypeError)):
        convert(stored)


def test_offset_of_a_time_is_kept() -> None:
    convert = converter("timestamp with time zone", is_enum=False)
    assert convert is not None
    assert convert("2026-03-01 12:00:00+05:30").utcoffset() == timezone(
        timedelta(hours=5, minutes=30)
    ).utcoffset(None)


def test_json_is_compared_by_meaning() -> None:
    sqlite = '{"b": 1e22, "a": [1.0, 1.7976931348623157e+308]}'
    postgres = json.dumps({"a": [1.0, 0], "b": 10**22}).replace(
        "0]", f"{17976931348623157 * 10**292}]"
    )
    assert comparable_json(sqlite) == comparable_json(postgres)
    assert comparable_json("0.1") != comparable_json("0.10000000000000001")
    assert comparable_json("0.1") == Decimal("0.1")
