from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prefect import flow
from run_multiple_flows import (
    ARTIFACT_KEY,
    Outcome,
    Subflow,
    overlap_seconds,
    run_concurrently,
    run_multiple_flows,
    summarise,
)

from tests.unit.flows.server_records import artifact, subflow_runs

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def outcome(title: str, start: float, end: float, *, as_expected: bool = True) -> Outcome:
    return Outcome(
        title=title,
        flow="some-flow",
        state="Completed",
        as_expected=as_expected,
        start=NOON + timedelta(seconds=start),
        end=NOON + timedelta(seconds=end),
    )


def test_one_subflow_fails_and_the_run_completes_with_a_summary(server: str) -> None:
    # Long enough that a busy machine, which starts one seconds after the other, sees them overlap.
    state = run_multiple_flows(seconds=30, return_state=True)
    assert state.is_completed(), state.message
    runs = subflow_runs(server, state)
    assert sorted((run["state_type"]) for run in runs) == ["COMPLETED"] * 4 + ["FAILED"]
    # By the server's clock, the two long ones were under way at the same time.
    long = [run for run in runs if "sleep" in str(run["parameters"])]
    assert len(long) == 2
    assert max(run["start_time"] for run in long) < min(run["end_time"] for run in long)
    summary = artifact(server, state, ARTIFACT_KEY)["data"]
    assert "5 of 5 subflows ended as expected" in summary
    assert "'side by side, a' and 'side by side, b' ran at the same time for" in summary
    assert "| fails on purpose | run-shell-command | Failed | yes |" in summary


def test_the_failing_one_can_be_left_out(server: str) -> None:
    state = run_multiple_flows(seconds=0, fail_one_on_purpose=False, return_state=True)
    assert state.is_completed(), state.message
    assert [run["state_type"] for run in subflow_runs(server, state)] == ["COMPLETED"] * 4


def test_an_unexpected_failure_fails_the_run(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @flow
    def broken(name: str) -> None:
        raise ValueError(f"nobody is called {name}")

    monkeypatch.setattr("run_multiple_flows.simple_print_flow", broken)
    state = run_multiple_flows(seconds=0, fail_one_on_purpose=False, return_state=True)
    assert state.is_failed()
    assert "otherwise than they should: first (Failed)" in str(state.message)
    assert "3 of 4" in artifact(server, state, ARTIFACT_KEY)["data"]


def test_parameters_that_a_subflow_refuses_do_not_sink_the_others(server: str) -> None:
    @flow
    def picky(number: int) -> int:
        return number

    wrong = Subflow("wrong", picky, {"number": "none"})
    right = Subflow("right", picky, {"number": 1})
    outcomes = run_concurrently([wrong, right])
    assert [outcome.as_expected for outcome in outcomes] == [False, True]
    assert server


@pytest.mark.parametrize(
    ("one", "other", "seconds"), [((0, 3), (1, 5), 2), ((0, 1), (2, 3), 0), ((0, 5), (1, 2), 1)]
)
def test_overlap(one: tuple[int, int], other: tuple[int, int], seconds: float) -> None:
    assert overlap_seconds(outcome("a", *one), outcome("b", *other)) == seconds


def test_the_summary_names_what_went_wrong_and_what_ran_together() -> None:
    summary = summarise([outcome("a", 0, 3), outcome("b", 1, 4, as_expected=False)])
    assert "| a | some-flow | Completed | yes | 12:00:00 | 3.0 s |" in summary
    assert "| b | some-flow | Completed | **no** | 12:00:01 | 3.0 s |" in summary
    assert "1 of 2 subflows ended as expected." in summary
    assert "'a' and 'b' ran at the same time for 2.0 s." in summary
