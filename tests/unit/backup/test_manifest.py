from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from appliance.backup.manifest import FileEntry, Manifest

MANIFEST = Manifest(
    zoe="0.1.0",
    prefect="3.8.8",
    made_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
    engine="sqlite",
    revision="abc",
    tables={"flow_run": 3},
    files={"database/prefect.db": FileEntry("00", 7)},
)


def test_it_comes_back_as_it_was() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


@pytest.mark.parametrize("text", ["", "[]", "{", '"zoe"', "{}", '{"format": 1}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own words or ours
        Manifest.from_json(text)


@pytest.mark.parametrize("key", ["zoe", "made_at", "tables", "files"])
def test_one_that_lacks_something_is_refused(key: str) -> None:
    value = json.loads(MANIFEST.to_json())
    value[key] = None
    if key == "zoe":
        del value[key]
    with pytest.raises(ValueError, match="missing or wrong"):
        Manifest.from_json(json.dumps(value))


def test_one_of_a_later_form_is_refused_in_words() -> None:
    value = {**json.loads(MANIFEST.to_json()), "format": 2}
    with pytest.raises(ValueError, match="its format is 2, and this Zoe reads 1 only"):
        Manifest.from_json(json.dumps(value))
