"""Leases are taken back when they have expired, but not from those who had no chance to renew."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.server.concurrency import lease_storage

from appliance.files import read_json, write_json
from appliance.server import leases
from appliance.server.leases import LONGEST_GRACE_SECONDS, USUAL_GAP_SECONDS, Look, next_look


def test_looks_that_follow_each_other_grant_nothing() -> None:
    assert next_look(None, 1000) == Look(1000, 0)
    assert next_look(Look(1000), 1015) == Look(1015, 0)


def test_after_an_absence_holders_have_as_long_again() -> None:
    assert next_look(Look(1000), 1200).grace_until == 1200 + 200 + USUAL_GAP_SECONDS


def test_a_grace_lasts_over_the_looks_within_it() -> None:
    look = next_look(Look(1000), 1200)
    assert next_look(look, 1215).grace_until == look.grace_until


@pytest.mark.parametrize("now", [1000 + 86_400, 1000 - 86_400])
def test_a_clock_that_was_set_keeps_no_slot_for_hours(now: float) -> None:
    before = Look(1000, 1500)
    assert next_look(before, now).grace_until <= now + LONGEST_GRACE_SECONDS


def test_an_expired_lease_is_taken_back_only_after_the_grace(tmp_path: Path) -> None:
    async def story() -> None:
        storage = leases.ConcurrencyLeaseStorage(tmp_path)
        lease = await storage.create_lease([uuid4()], timedelta(seconds=-1))
        assert await storage.read_expired_lease_ids() == [lease.id]

        looks = tmp_path / leases.LOOKS
        written = read_json(looks)
        assert written
        write_json(looks, {**written, "at": written["at"] - 300})
        # A server that has just started has no other memory than the file.
        restarted = leases.ConcurrencyLeaseStorage(tmp_path)
        assert await restarted.read_expired_lease_ids() == []
        assert await restarted.renew_lease(lease.id, timedelta(seconds=300))

    asyncio.run(story())


def test_prefect_takes_it_for_a_storage() -> None:
    assert isinstance(leases, lease_storage.ConcurrencyLeaseStorageModule)
