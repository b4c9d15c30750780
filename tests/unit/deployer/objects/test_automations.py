"""The server's words for a trigger and its actions, against the file's."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.deployer.objects.automations import covers


@pytest.mark.parametrize(
    ("there", "wanted", "is_covered"),
    [
        ({"id": "x", "type": "event", "threshold": 1}, {"type": "event"}, True),
        ({"type": "event"}, {"type": "event", "threshold": 1}, False),
        ({"expect": ["b", "a"]}, {"expect": ["a", "b"]}, True),
        ({"expect": ["b"]}, {"expect": ["a", "b"]}, False),
        ({"within": 60.0}, {"within": 60}, True),
        ({"within": 90.0}, {"within": "PT1M30S"}, True),
        ({"within": 90.0}, {"within": "PT1M"}, False),
        ({"within": 90.0}, {"within": "soon"}, False),
        ({"force": True}, {"force": "true"}, False),
        ({"triggers": [{"id": 1, "type": "a"}]}, {"triggers": [{"type": "a"}]}, True),
        ({"triggers": [{"type": "a"}, {"type": "b"}]}, {"triggers": [{"type": "a"}]}, False),
        ({"triggers": [{"type": "b"}, {"type": "a"}]}, {"triggers": [{"type": "a"}] * 2}, False),
        (None, {"a": 1}, False),
        ("text", ["text"], False),
    ],
)
def test_covers(there: Any, wanted: Any, is_covered: bool) -> None:
    assert covers(there, wanted) is is_covered
