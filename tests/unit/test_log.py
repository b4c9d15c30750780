from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from appliance.log import say, stamped


def test_form_of_a_line() -> None:
    before = datetime.now(UTC)
    line = stamped("INFO", "it works")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} \| INFO    \| it works", line)
    # In UTC, whatever the machine's zone.
    written = datetime.strptime(line[:12], "%H:%M:%S.%f").replace(tzinfo=UTC).time()
    assert before.replace(microsecond=before.microsecond // 1000 * 1000).time() <= written or (
        before.date() < datetime.now(UTC).date()
    )


def test_say_writes_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    say("it broke", "ERROR")
    assert capfd.readouterr().out.endswith(" | ERROR   | it broke\n")
