"""Leases of concurrency slots that outlive a server which was away, or a clock that was set.

A run holds its slots by leases of one to five minutes and renews them in time. Prefect's server
takes the slots of expired leases back within seconds of its start, before anybody could have
renewed, and a run that cannot renew the lease of its deployment's limit is cancelled. So after a
time in which nobody looked for expired leases, none is taken back until its holder had its chance.

Prefect finds this module by `PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE`; the leases are kept as its
own storage keeps them, in files.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from prefect.server.concurrency.lease_storage import filesystem

from appliance.files import make_private_dir, read_json, write_json

# Prefect looks every 15 s. (PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS)
USUAL_GAP_SECONDS = 25.0
# A client's next try comes about as long after the server is back as it was away, but not later.
LONGEST_GRACE_SECONDS = 1200.0
LOOKS = "looks.json"


@dataclass(frozen=True)
class Look:
    """When somebody last looked for expired leases; both in seconds of the wall clock.

    Attributes:
        at: The moment of the look.
        grace_until: Until then no lease is taken back.
    """

    at: float
    grace_until: float = 0.0


def next_look(before: Look | None, now: float) -> Look:
    """Return the present look.

    Args:
        before: The look before; None when there was none, and so no lease to save either.
        now: The wall clock.
    """
    if before is None:
        return Look(now)
    until = before.grace_until
    gap = now - before.at
    if gap > USUAL_GAP_SECONDS:
        until = max(until, now + gap + USUAL_GAP_SECONDS)
    # A clock that was set back must not keep slots for hours.
    return Look(now, min(until, now + LONGEST_GRACE_SECONDS))


class ConcurrencyLeaseStorage(filesystem.ConcurrencyLeaseStorage):
    """Prefect's leases in files, with time for their holders to come back."""

    async def read_expired_lease_ids(self, limit: int = 100) -> list[UUID]:
        """Return the leases whose slots are to be taken back."""
        now = time.time()
        look = next_look(_read(self._looks), now)
        make_private_dir(self.storage_path)
        # On a full disk a later look takes this one for an absence: slots come back later.
        with suppress(OSError):
            write_json(self._looks, asdict(look))
        if now < look.grace_until:
            return []
        return await super().read_expired_lease_ids(limit)

    @property
    def _looks(self) -> Path:
        return self.storage_path / LOOKS


def _read(path: Path) -> Look | None:
    content = read_json(path)
    if not content or content.keys() != Look.__dataclass_fields__.keys():
        return None
    return Look(**content)
