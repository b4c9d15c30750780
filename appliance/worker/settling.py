"""What becomes of a flow run whose process is gone: the decision, and its record on the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from appliance.api import Api
from appliance.settings.model import OnCrash
from appliance.worker import mark
from appliance.worker.dependents import end_dependents

RESCHEDULED = "Rescheduled"
UNSETTLED = frozenset({"PENDING", "RUNNING", "CANCELLING"})
# The engine of a run that is being stopped reports CRASHED by itself. Where the stop is our doing,
# that is no verdict yet.
UNSETTLED_IF_OURS = UNSETTLED | {"CRASHED"}
# A process that waits for a retry or for a resumption is one that can be stopped, too.
UNFINISHED = UNSETTLED | {"SCHEDULED", "PAUSED"}
# Ends that an engine may have reported without getting round to what ran below it.
CUT_SHORT = frozenset({"CRASHED", "CANCELLED"})


@dataclass(frozen=True)
class Policy:
    """How to settle.

    Attributes:
        on_crash: Whether a run that was cut short gets another try.
        max_reschedules: How many tries more one run gets at most.
        retries_pending: Whether one that had not begun is scheduled again.
    """

    on_crash: OnCrash
    max_reschedules: int
    retries_pending: bool = True


# Of a run that was stopped at its limit, which it would meet again.
FINAL = Policy(OnCrash.CRASH, 0, retries_pending=False)


def verdict(
    state_type: str, reschedules: int, policy: Policy, reason: str, now: datetime
) -> dict[str, Any] | None:
    """Return the state that a run without a process shall have; None when it needs none.

    Args:
        state_type: The type of the state it is in.
        reschedules: How often it was rescheduled already.
        policy: The operator's wish.
        reason: Why its process is gone, as a sentence.
        now: The moment from which a new try is due.
    """
    if state_type not in UNSETTLED:
        return None
    if state_type == "CANCELLING":
        return {"type": "CANCELLED", "message": f"Cancelled. {reason}"}
    if state_type == "PENDING" and policy.retries_pending:
        # Nothing of it has run yet, so that nothing can run twice.
        return {
            "type": "SCHEDULED",
            "message": f"{reason} It had not begun and is scheduled again.",
            "state_details": {"scheduled_time": now.isoformat()},
        }
    if policy.on_crash is OnCrash.RESCHEDULE and reschedules < policy.max_reschedules:
        return {
            "type": "SCHEDULED",
            "name": RESCHEDULED,
            "message": f"{reason} Try {reschedules + 1} of {policy.max_reschedules} more.",
            "state_details": {"scheduled_time": now.isoformat()},
        }
    spent = policy.on_crash is OnCrash.RESCHEDULE
    suffix = f" It was rescheduled {reschedules} times, which is the limit." if spent else ""
    return {"type": "CRASHED", "message": f"{reason}{suffix}"}


def settle(
    api: Api,
    flow_run_id: str,
    policy: Policy,
    reason: str,
    unsettled: frozenset[str] = UNSETTLED,
    ledgers: Collection[str] | None = None,
) -> str | None:
    """Record on the server what has become of a run without a process, and of what ran in it.

    Its mark is taken back: it is nobody's now.

    Args:
        api: The server.
        flow_run_id: The run.
        policy: The operator's wish.
        reason: Why its process is gone, as a sentence.
        unsettled: The types of states that are no verdict yet.
        ledgers: The identities of the ledgers that may name the run. A machine that was given up
            for dead may come back when another one runs its runs, which are no longer its business.

    Returns:
        The type of the new state; None when the run had one already, or is gone.

    Raises:
        WorldError: The server is away.
    """
    run = api.get(f"/flow_runs/{flow_run_id}")
    if run is None or run["state"] is None:
        return None
    if ledgers is not None and mark.ledger(run) not in {"", *ledgers}:
        return None
    state_type = run["state"]["type"]
    if state_type not in unsettled:
        if state_type in CUT_SHORT:
            end_dependents(api, flow_run_id, state_type)
        mark.take_back(api, run)
        return None
    judged = state_type if state_type in UNSETTLED else "RUNNING"
    state = verdict(judged, _reschedules(api, flow_run_id), policy, reason, datetime.now(UTC))
    if state is None:
        return None
    api.post(f"/flow_runs/{flow_run_id}/set_state", {"state": state, "force": True})
    # After that: should we die in between, the mark is what will have the run settled.
    mark.take_back(api, run)
    end_dependents(api, flow_run_id, state["type"])
    return str(state["type"])


def _reschedules(api: Api, flow_run_id: str) -> int:
    history: list[Mapping[str, Any]] = api.get(
        f"/flow_run_states/?flow_run_id={flow_run_id}", missing=[]
    )
    return sum(state["name"] == RESCHEDULED for state in history)
