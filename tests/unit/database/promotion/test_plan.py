from __future__ import annotations

import pytest

from appliance.database.promotion.plan import TargetColumn, make
from appliance.errors import WorldError


def target(*columns: tuple[str, str, str]) -> list[TargetColumn]:
    return [
        TargetColumn(table, name, kind, is_enum=False, in_key=name == "id")
        for table, name, kind in columns
    ]


def test_every_table_with_every_column() -> None:
    tables = make(
        {"b": ["value", "id"], "a": ["id"]},
        target(("b", "id", "uuid"), ("b", "value", "jsonb"), ("a", "id", "uuid")),
    )
    assert [table.name for table in tables] == ["a", "b"]
    assert [column.name for column in tables[1].columns] == ["id", "value"]
    assert [column.name for column in tables[1].key] == ["id"]
    value = tables[1].columns[1]
    assert value.value(None) is None
    assert value.value(5) == "5"
    assert value.comparable('{"a":1}') == value.comparable('{"a": 1.0}')


@pytest.mark.parametrize(
    "source", [{"a": ["id", "extra"]}, {"a": ["id"], "extra": ["id"]}, {}, {"a": []}]
)
def test_nothing_is_left_behind_unsaid(source: dict[str, list[str]]) -> None:
    with pytest.raises(WorldError, match="different schemas"):
        make(source, target(("a", "id", "uuid")))


def test_type_that_is_new_to_us() -> None:
    with pytest.raises(WorldError, match=r"values of the type money \(a.price\)"):
        make({"a": ["id", "price"]}, target(("a", "id", "uuid"), ("a", "price", "money")))


def test_table_that_could_not_be_compared() -> None:
    with pytest.raises(WorldError, match="no primary key"):
        make({"a": ["name"]}, target(("a", "name", "text")))
