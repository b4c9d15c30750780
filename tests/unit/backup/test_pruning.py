from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.backup.names import ArchiveName
from appliance.backup.pruning import superfluous

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = [ArchiveName(FIRST + timedelta(days=day)) for day in range(5)]
LABELLED = ArchiveName(FIRST - timedelta(days=9), "before-migration")


def test_the_newest_are_kept() -> None:
    assert superfluous(DAYS, 2) == [DAYS[2], DAYS[1], DAYS[0]]
    assert superfluous(DAYS[::-1], 4) == [DAYS[0]]
    assert superfluous(DAYS, 5) == superfluous(DAYS, 99) == superfluous([], 1) == []


def test_the_only_one_is_never_removed() -> None:
    assert superfluous(DAYS[:1], 1) == superfluous(DAYS[:1], 0) == []


def test_those_with_a_label_neither_count_nor_go() -> None:
    assert superfluous([LABELLED, *DAYS[:2]], 2) == []
    assert superfluous([LABELLED, *DAYS[:2]], 1) == [DAYS[0]]


def test_encrypted_ones_are_like_others() -> None:
    encrypted = ArchiveName(FIRST + timedelta(days=9), encrypted=True)
    assert superfluous([encrypted, DAYS[0]], 1) == [DAYS[0]]
