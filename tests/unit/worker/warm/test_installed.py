from __future__ import annotations

import os
from pathlib import Path

from appliance.worker.warm import installed


def test_packages_that_come_go_or_are_replaced_are_seen(tmp_path: Path) -> None:
    record = tmp_path / "thing-1.0.dist-info"
    record.mkdir()
    paths = [str(tmp_path), str(tmp_path / "missing")]
    has_changed = installed.watch(paths)
    assert not has_changed()
    (tmp_path / "__pycache__").mkdir()
    assert not has_changed()

    (tmp_path / "other-1.0.dist-info").mkdir()
    assert has_changed()
    has_changed = installed.watch(paths)
    record.rename(tmp_path / "thing-1.1.dist-info")
    assert has_changed()
    has_changed = installed.watch(paths)
    # Installed anew in the same version.
    os.utime(tmp_path / "thing-1.1.dist-info", ns=(1, 1))
    os.utime(tmp_path, ns=(2, 2))
    assert has_changed()
