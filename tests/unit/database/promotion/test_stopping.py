from __future__ import annotations

import asyncio
import signal

import pytest

from appliance.database.promotion.stopping import StoppedError, stoppable


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_work_and_the_handlers_are_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(StoppedError, match=f"stopped by {number.name}; SQLite"), stoppable():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_in_an_event_loop_it_waits_for_a_checkpoint() -> None:
    with stoppable() as checkpoint:

        async def work() -> str:
            checkpoint()
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0)
            with pytest.raises(StoppedError):
                checkpoint()
            return "cleared up"

        assert asyncio.run(work()) == "cleared up"


def test_only_the_first_signal_counts() -> None:
    with stoppable() as checkpoint:
        with pytest.raises(StoppedError, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(StoppedError, match="SIGTERM"):
            checkpoint()
