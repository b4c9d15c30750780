"""Importing without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from appliance.importing import uncollected


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_collected_meanwhile() -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_made_meanwhile_is_left_out_of_later_collections() -> None:
    before = gc.get_freeze_count()
    with uncollected():
        kept = [[number] for number in range(1000)]
    assert gc.get_freeze_count() >= before + len(kept)


def test_an_import_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()
