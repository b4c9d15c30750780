from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.backup.names import ArchiveName, parse

AT = datetime(2026, 11, 21, 3, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (ArchiveName(AT), "zoe-20261121T030007Z.tar.gz"),
        (ArchiveName(AT, "before-migration"), "zoe-20261121T030007Z-before-migration.tar.gz"),
        (ArchiveName(AT, "x", encrypted=True), "zoe-20261121T030007Z-x.tar.gz.enc"),
    ],
)
def test_a_name_tells_its_parts(name: ArchiveName, written: str) -> None:
    assert str(name) == written
    assert parse(written) == name


@pytest.mark.parametrize(
    "other",
    [
        "zoe-20261121T030007Z.tar",
        "zoe-20261399T030007Z.tar.gz",
        "zoe-20261121T030007Z-.tar.gz",
        "my-zoe-20261121T030007Z.tar.gz",
        "zoe-20261121T030007Z.tar.gz.part",
        "zoe.json",
    ],
)
def test_other_files_are_not_archives(other: str) -> None:
    assert parse(other) is None
