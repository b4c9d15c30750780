"""Silence is counted on the watcher's clock, and only while it watched."""

from __future__ import annotations

from appliance.maintenance.lost_runs import GREATEST_STEP_SECONDS, LostRuns, Seen


def look(lost: LostRuns, now: float, **signs: str) -> list[str]:
    return lost.step([Seen(run, sign) for run, sign in signs.items()], now)


def test_a_run_is_lost_after_its_time_of_silence_and_not_before() -> None:
    lost = LostRuns(60)
    for now in range(0, 60, 10):
        assert look(lost, now, silent="a", living=str(now)) == []
    assert look(lost, 60, silent="a", living="60") == ["silent"]


def test_any_change_is_a_sign_of_life() -> None:
    lost = LostRuns(60)
    for now in range(0, 1000, 10):
        # One sign in fifty seconds is enough; going back is as good as going on.
        assert look(lost, now, one=str(now // 50 % 2)) == []


def test_each_run_has_its_own_time() -> None:
    lost = LostRuns(30)
    look(lost, 0, early="a")
    look(lost, 10, early="a", late="a")
    look(lost, 20, early="a", late="a")
    assert look(lost, 30, early="a", late="a") == ["early"]
    assert look(lost, 40, late="a") == ["late"]


def test_a_run_that_ended_or_was_paused_begins_anew() -> None:
    lost = LostRuns(30)
    for now in (0, 10, 20):
        look(lost, now, one="a")
    look(lost, 30)
    assert look(lost, 40, one="a") == []
    assert look(lost, 50, one="a") == []


def test_time_in_which_nobody_watched_hardly_counts() -> None:
    lost = LostRuns(60)
    look(lost, 0, one="a")
    look(lost, 10, one="a")
    # The machine slept for an hour.
    assert look(lost, 3610, one="a") == []
    assert look(lost, 3610 + 30 - GREATEST_STEP_SECONDS, one="a") == []


def test_an_absent_server_lets_all_begin_anew() -> None:
    lost = LostRuns(60)
    for now in range(0, 60, 10):
        look(lost, now, one="a")
    lost.forget()
    for now in range(60, 120, 10):
        assert look(lost, now, one="a") == []
    assert look(lost, 120, one="a") == ["one"]


def test_what_could_not_be_settled_is_still_lost_at_the_next_look() -> None:
    lost = LostRuns(10)
    look(lost, 0, one="a")
    assert look(lost, 10, one="a") == ["one"]
    assert look(lost, 20, one="a") == ["one"]
