"""What every test of backups has."""

from __future__ import annotations

import pytest

from appliance.backup import encryption


@pytest.fixture(autouse=True)
def _cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key costs a quarter of a second on purpose; a reader finds its price in the header."""
    monkeypatch.setattr(encryption, "SCRYPT_LOG2_N", 4)
