from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance import __version__, stamp
from appliance.errors import OperatorError
from appliance.layout import Layout


def test_written_stamp_is_accepted(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    stamp.check(layout)
    stamp.write(layout)
    stamp.check(layout)
    assert json.loads(layout.stamp.read_text()) == {"zoe": __version__}
    before = layout.stamp.stat().st_ino
    stamp.write(layout)
    assert layout.stamp.stat().st_ino == before, "nothing new needs no room on the disk"


@pytest.mark.parametrize(
    ("used_by", "running", "refused"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.2.0", False),
        ("0.9.0", "0.10.0", False),
        ("0.10.0", "0.9.0", True),
        ("1.0.0", "0.9.9", True),
        ("0.1.1", "0.1.0", True),
    ],
)
def test_only_newer_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used_by: str, running: str, refused: bool
) -> None:
    layout = Layout(tmp_path)
    monkeypatch.setattr(stamp, "__version__", used_by)
    stamp.write(layout)
    monkeypatch.setattr(stamp, "__version__", running)
    if not refused:
        stamp.check(layout)
        return
    with pytest.raises(OperatorError) as caught:
        stamp.check(layout)
    assert f"last used by Zoe {used_by}, and this is Zoe {running}" in caught.value.line()
    assert f"start Zoe {used_by} or newer" in caught.value.line()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"zoe": null}'])
def test_unreadable_stamp_refuses_nobody(tmp_path: Path, content: str) -> None:
    Layout(tmp_path).stamp.write_text(content)
    stamp.check(Layout(tmp_path))
