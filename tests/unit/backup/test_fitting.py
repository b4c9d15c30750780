from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.backup.fitting import Ours, check, check_key, notes
from appliance.backup.manifest import Manifest
from appliance.errors import OperatorError
from appliance.settings.model import DatabaseEngine

NAME = "zoe-20260101T030000Z.tar.gz"
ARCHIVE = Manifest("0.2.0", "3.8.8", datetime(2026, 1, 1, 3, tzinfo=UTC), "sqlite", "b", {}, {})
OURS = Ours("0.2.0", "3.8.8", DatabaseEngine.SQLITE, {"a", "b"})


@pytest.mark.parametrize(
    ("archive", "ours"),
    [
        ({}, {}),
        ({"revision": "a"}, {}),
        ({"revision": None}, {}),
        ({}, {"zoe": "0.10.0"}),
        ({"engine": "postgres"}, {"engine": DatabaseEngine.EMBEDDED_POSTGRES}),
        ({"engine": "postgres"}, {"engine": DatabaseEngine.EXTERNAL_POSTGRES}),
    ],
)
def test_what_fits(archive: dict[str, Any], ours: dict[str, Any]) -> None:
    check(replace(ARCHIVE, **archive), NAME, replace(OURS, **ours))


@pytest.mark.parametrize(
    ("archive", "ours", "words"),
    [
        (
            {},
            {"engine": DatabaseEngine.EMBEDDED_POSTGRES},
            "holds an SQLite database.*ZOE_DATABASE=sqlite, then .*zoe promote --to postgres`",
        ),
        (
            {},
            {"engine": DatabaseEngine.EXTERNAL_POSTGRES},
            "holds an SQLite database.*zoe promote --to postgresql://…`",
        ),
        ({"engine": "postgres"}, {}, "holds a PostgreSQL database.*set ZOE_DATABASE to postgres"),
        ({"zoe": "0.10.0"}, {}, "data that Zoe 0.10.0 used, and this is Zoe 0.2.0.*or newer"),
        (
            {"revision": "c", "prefect": "3.9.2"},
            {},
            r"Prefect 3.9.2 \(schema c\), which Prefect 3.8.8 does not know",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_the_way_out(
    archive: dict[str, Any], ours: dict[str, Any], words: str
) -> None:
    with pytest.raises(OperatorError, match=f"{NAME}.*{words}") as refusal:
        check(replace(ARCHIVE, **archive), NAME, replace(OURS, **ours))
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("archived", "given"), [("one", None), (None, "one"), ("one", "one"), (None, None)]
)
def test_the_same_key_or_only_one_fits(archived: str | None, given: str | None) -> None:
    check_key(archived, given, NAME)


def test_another_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(OperatorError, match=r"another key.*ZOE_ENCRYPTION_KEY.*unset") as refusal:
        check_key("archived-key", "given-key", NAME)
    assert "archived-key" not in refusal.value.line()
    assert "given-key" not in refusal.value.line()


def test_another_password_is_told() -> None:
    assert not notes("one", None)
    assert not notes("one", "one")
    assert "ZOE_ADMIN_PASSWORD" in notes("one", "two")[0]
