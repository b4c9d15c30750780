"""Work until SIGTERM, beat while polling, and end in order."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance import heartbeat
from appliance.worker import lifecycle
from appliance.worker.drain import Drain
from tests.unit.support import wait_until


class StandIn:
    """As much of Prefect's worker as `work` uses; the real one is below."""

    name = "stand-in"

    def __init__(self) -> None:
        self.polling = True
        self.ended = False
        self.accepts_runs = True
        self.processes: dict[Any, int] = {}

    async def start(self, printer: Any) -> None:
        del printer
        try:
            await asyncio.Event().wait()
        finally:
            # Prefect's tears down its flow runs here.
            await asyncio.sleep(0)
            self.ended = True

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        assert query_interval_seconds > 0
        return self.polling


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_beats_only_while_it_polls_and_ends_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(lifecycle, "BEAT_SECONDS", 0.01)
    path = tmp_path / "beat"
    stand_in: Any = StandIn()

    async def watch() -> None:
        await asyncio.to_thread(wait_until, path.exists, "it beats")
        stand_in.polling = False
        await asyncio.sleep(0.05)
        path.unlink()
        # Several times the pause between two beats.
        await asyncio.sleep(0.1)
        assert not path.exists()
        os.kill(os.getpid(), number)

    async def both() -> None:
        async with asyncio.timeout(20):
            beat = partial(heartbeat.beat, path)
            drain = Drain(5, lambda *_: None)
            await asyncio.gather(lifecycle.work(stand_in, beat, drain, lambda _: None), watch())

    asyncio.run(both())
    assert stand_in.ended
    assert not stand_in.accepts_runs
