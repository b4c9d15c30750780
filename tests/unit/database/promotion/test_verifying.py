"""What counts as different; that whole tables are compared is shown against the image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from appliance.database.promotion.plan import Table, TargetColumn, make
from appliance.database.promotion.verifying import differing

ID = UUID(int=1)
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def table() -> Table:
    kinds = {"id": "uuid", "at": "timestamp with time zone", "value": "jsonb", "text": "text"}
    columns = [
        TargetColumn("t", name, kind, is_enum=False, in_key=name == "id")
        for name, kind in kinds.items()
    ]
    return make({"t": list(kinds)}, columns)[0]


def row(**values: Any) -> tuple[Any, ...]:
    return tuple({"id": ID, "at": MOMENT, "value": '{"a": 1}', "text": "x", **values}.values())


@pytest.mark.parametrize(
    "found", [row(), row(value='{"a":1.0}'), row(at=MOMENT.astimezone())], ids=str
)
def test_the_same_meaning(found: tuple[Any, ...]) -> None:
    assert differing(table(), row(), found) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", UUID(int=2)),
        ("at", MOMENT + timedelta(microseconds=1)),
        ("value", '{"a": 2}'),
        ("value", "null"),
        ("value", None),
        ("text", "x "),
        ("text", None),
    ],
)
def test_a_difference_is_found_and_its_column_named(column: str, value: Any) -> None:
    assert differing(table(), row(), row(**{column: value})) == column
    assert differing(table(), row(**{column: value}), row()) == column
