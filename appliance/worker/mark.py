"""The mark of a worker on a run that it has taken: labels of the run, on the server.

Labels can be written and not removed; of a mark that was taken back they are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from appliance.api import Api

# Changes while the run has a process.
BEAT = "zoe.beat"
# The identity of the ledger that names it.
LEDGER = "zoe.ledger"


def put(api: Api, flow_run_id: str, ledger: str) -> None:
    """Mark a run as alive, and as one of a ledger.

    Raises:
        ZoeError: The server is away.
    """
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    _write(api, flow_run_id, moment, ledger)


def take_back(api: Api, run: Mapping[str, Any]) -> None:
    """Remove the mark of a run, if it has one.

    Whoever runs it next may leave no marks, and must not be judged by ours.

    Raises:
        ZoeError: The server is away.
    """
    if beat(run) or ledger(run):
        _write(api, run["id"], "", "")


def beat(run: Mapping[str, Any]) -> str:
    """Return the sign of life of a run as the server shows it; empty where it has none."""
    return str(run["labels"].get(BEAT) or "")


def ledger(run: Mapping[str, Any]) -> str:
    """Return the identity of the ledger that a run stands in; empty where it is not marked."""
    return str(run["labels"].get(LEDGER) or "")


def was_taken_back(run: Mapping[str, Any]) -> bool:
    """Tell whether a run had a mark once and has none now."""
    return BEAT in run["labels"] and not beat(run)


def _write(api: Api, flow_run_id: str, moment: str, identity: str) -> None:
    api.patch(f"/flow_runs/{flow_run_id}/labels", {BEAT: moment, LEDGER: identity})
