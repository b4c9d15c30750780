from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from appliance.database import emptying, findings
from tests.unit import small_database
from tests.unit.small_database import new_key


def test_only_the_named_blocks_lose_their_content(tmp_path: Path) -> None:
    file, lost, key = tmp_path / "prefect.db", new_key(), new_key()
    small_database.make(file, blocks={"lost": lost, "kept": key})
    emptying.in_sqlite(file, ["lost"], key)
    content = {
        name: Fernet(key).decrypt(token) for name, token in findings.of_sqlite(file).blocks.items()
    }
    assert content == {"lost": b"{}", "kept": b'{"value": "s"}'}


def test_all_or_none(tmp_path: Path) -> None:
    file, key = tmp_path / "prefect.db", new_key()
    small_database.make(file, blocks={"one": key, "two": key})
    before = findings.of_sqlite(file).blocks
    with pytest.raises(sqlite3.Error):
        emptying.in_sqlite(file, ["one", object()], key)  # type: ignore[list-item]
    assert findings.of_sqlite(file).blocks == before
