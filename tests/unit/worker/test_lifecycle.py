"""Work until SIGTERM, beat while polling, and end in order."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance import heartbeat
from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.worker import lifecycle
from appliance.worker.drain import Drain
from appliance.worker.waking import Waking
from tests.unit.support import wait_until


class StandIn:
    """As much of Prefect's worker as `work` uses; the real one is below."""

    name = "stand-in"

    def __init__(self) -> None:
        self.polling = True
        self.ended = False
        self.accepts_runs = True
        self.processes: dict[Any, int] = {}
        self.runs_changed = asyncio.Event()
        self.waking = Waking()
        self.marked: set[str] = set()

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


async def silence() -> AsyncIterator[str | None]:
    """Announce nothing; the real announcements have their own test."""
    await asyncio.Event().wait()
    yield None


class Roll:
    """Notes what it is asked to show; the real attendance has its own test."""

    def __init__(self, interval: float = 3600) -> None:
        self.interval = interval
        self.shown: list[tuple[list[str], bool]] = []
        self.marked: list[set[str]] = []
        self.server_is_away = False

    def show(self, mine: list[str], *, everyone: bool, marked: set[str]) -> None:
        self.marked.append(marked)
        if self.server_is_away:
            self.server_is_away = False
            raise WorldError("the server is away")
        self.shown.append((mine, everyone))


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
            roll: Any = Roll()
            working = lifecycle.work(stand_in, beat, drain, lambda _: None, roll, silence())
            await asyncio.gather(working, watch())

    asyncio.run(both())
    assert stand_in.ended
    assert not stand_in.accepts_runs


def test_runs_are_shown_to_be_alive_at_once_and_after_an_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "RETRY_SECONDS", 0.01)
    stand_in: Any = StandIn()
    roll: Any = Roll()
    roll.server_is_away = True

    async def watch() -> None:
        await asyncio.to_thread(wait_until, lambda: roll.shown, "the first round")
        stand_in.processes["new"] = 0
        stand_in.marked.add("new")
        stand_in.runs_changed.set()
        await asyncio.to_thread(wait_until, lambda: len(roll.shown) == 2, "the newcomer")
        # Or the drain would wait for it.
        stand_in.processes.clear()
        os.kill(os.getpid(), signal.SIGTERM)

    async def both() -> None:
        async with asyncio.timeout(20):
            working = lifecycle.work(
                stand_in, lambda: None, Drain(5, lambda *_: None), lambda _: None, roll, silence()
            )
            await asyncio.gather(working, watch())

    asyncio.run(both())
    assert roll.shown[:2] == [([], True), (["new"], False)]
    # Each is told once.
    assert roll.marked[-1] == {"new"}
    assert stand_in.marked == set()


class Passing:
    """Fails so many times, as where no file or thread is to be had, and counts the calls."""

    def __init__(self, failures: float) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self, *_: object) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError(24, "Too many open files")


def live(
    stand_in: Any, duty: str, passing: Callable[..., None], until: Callable[[], object]
) -> None:
    """Let a worker live whose one duty fails, until something has happened."""
    roll: Any = Roll(interval=0.01)
    if duty == "show":
        roll.show = lambda mine, **_: passing(mine)
    beat, sweep = (passing if duty == name else lambda *_: None for name in ("beat", "sweep"))

    async def watch() -> None:
        await asyncio.to_thread(wait_until, until, "what is waited for")
        os.kill(os.getpid(), signal.SIGTERM)

    async def both() -> None:
        async with asyncio.timeout(20):
            working = lifecycle.work(
                stand_in, beat, Drain(5, lambda *_: None), sweep, roll, silence()
            )
            await asyncio.gather(working, watch())

    asyncio.run(both())


@pytest.mark.parametrize("duty", ["beat", "sweep", "show"])
def test_a_duty_that_fails_for_a_moment_is_taken_up_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], duty: str
) -> None:
    for name in ("BEAT_SECONDS", "SWEEP_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(lifecycle, name, 0.01)
    passing = Passing(lifecycle.TRIES - 1)
    live(StandIn(), duty, passing, lambda: passing.calls > 3 * lifecycle.TRIES)
    output = capsys.readouterr().out
    assert output.count("Too many open files") == lifecycle.TRIES - 1


def test_a_worker_that_cannot_show_its_runs_alive_drains_and_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or it would go on taking runs that soon count as lost."""
    for name in ("BEAT_SECONDS", "SWEEP_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(lifecycle, name, 0.01)
    passing = Passing(math.inf)
    stand_in = StandIn()
    with pytest.raises(OSError, match="Too many open files"):
        live(stand_in, "show", passing, lambda: stand_in.ended)
    assert passing.calls == lifecycle.TRIES
    assert stand_in.ended
    assert not stand_in.accepts_runs


@pytest.mark.parametrize("error", [WorldError("away"), OperatorError("another password")])
def test_what_the_server_refuses_is_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: ZoeError
) -> None:
    monkeypatch.setattr(lifecycle, "SWEEP_SECONDS", 0.01)
    calls = []

    def sweep(_: object) -> None:
        calls.append(1)
        raise error

    live(StandIn(), "sweep", sweep, lambda: len(calls) > 2 * lifecycle.TRIES)
    assert error.what not in capsys.readouterr().out
