from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.backup.manifest import FileEntry, Manifest
from appliance.backup.staging import check_space, space_needed
from appliance.errors import WorldError

MEGABYTE = 1024 * 1024


def manifest(**sizes: int) -> Manifest:
    files = {name.replace("_", "/"): FileEntry("", size) for name, size in sizes.items()}
    return Manifest("0", "3", datetime.now(UTC), "postgres", None, {}, files)


def test_a_cluster_needs_more_than_its_dump() -> None:
    without = manifest(database_dump=100, results_one=10)
    unpacked = space_needed(without, with_cluster=False)
    assert unpacked >= 110
    assert space_needed(without, with_cluster=True) >= unpacked + 100 + 100 * MEGABYTE


def test_too_little_space_is_said_before_anything_is_unpacked(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_space(tmp_path, manifest(results_one=free // 2), with_cluster=False)
    with pytest.raises(WorldError, match=r"MB left, and the archive needs \d+ MB"):
        check_space(tmp_path, manifest(results_one=2 * free), with_cluster=False)
