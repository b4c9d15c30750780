from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.settings.model import OnCrash
from appliance.worker.settling import FINAL, Policy, verdict

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CRASH = Policy(OnCrash.CRASH, 3)
RESCHEDULE = Policy(OnCrash.RESCHEDULE, 3)
REASON = "The power failed."


@pytest.mark.parametrize("policy", [CRASH, RESCHEDULE])
@pytest.mark.parametrize(
    "state_type", ["SCHEDULED", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED"]
)
def test_a_run_that_has_ended_or_waits_is_left_alone(state_type: str, policy: Policy) -> None:
    assert verdict(state_type, 0, policy, REASON, NOW) is None


@pytest.mark.parametrize("policy", [CRASH, RESCHEDULE])
def test_a_run_that_was_being_cancelled_is_cancelled(policy: Policy) -> None:
    state = verdict("CANCELLING", 0, policy, REASON, NOW)
    assert state == {"type": "CANCELLED", "message": "Cancelled. The power failed."}


@pytest.mark.parametrize("policy", [CRASH, RESCHEDULE])
def test_a_run_that_had_not_begun_is_scheduled_again(policy: Policy) -> None:
    state = verdict("PENDING", 99, policy, REASON, NOW)
    assert state is not None
    assert state["type"] == "SCHEDULED"
    assert state["state_details"] == {"scheduled_time": "2026-01-02T03:04:05+00:00"}


def test_a_running_run_crashes_with_the_reason() -> None:
    assert verdict("RUNNING", 0, CRASH, REASON, NOW) == {"type": "CRASHED", "message": REASON}


def test_a_running_run_gets_another_try_and_the_tries_are_counted() -> None:
    state = verdict("RUNNING", 1, RESCHEDULE, REASON, NOW)
    assert state is not None
    assert (state["type"], state["name"]) == ("SCHEDULED", "Rescheduled")
    assert state["message"] == "The power failed. Try 2 of 3 more."


def test_a_run_whose_tries_are_spent_crashes_and_says_so() -> None:
    state = verdict("RUNNING", 3, RESCHEDULE, REASON, NOW)
    assert state is not None
    assert state["type"] == "CRASHED"
    assert "rescheduled 3 times, which is the limit" in state["message"]


@pytest.mark.parametrize("state_type", ["PENDING", "RUNNING"])
def test_what_would_meet_its_limit_again_is_not_tried_again(state_type: str) -> None:
    state = verdict(state_type, 0, FINAL, REASON, NOW)
    assert state == {"type": "CRASHED", "message": REASON}
