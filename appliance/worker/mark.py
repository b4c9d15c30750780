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
# The worker's name, and where each of Prefect's workers writes its own as it takes a run. (3.8.8)
WORKER = "zoe.worker"
LATEST_WORKER = "prefect.worker.name"


def labels(ledger: str, others: Mapping[str, Any]) -> dict[str, str]:
    """Return the mark of a run that is alive, and in that ledger.

    Args:
        ledger: The ledger's identity.
        others: The labels that the run has besides.
    """
    return {
        BEAT: datetime.now(UTC).isoformat(timespec="milliseconds"),
        LEDGER: ledger,
        WORKER: str(others.get(LATEST_WORKER, "")),
    }


def put(api: Api, run: Mapping[str, Any], ledger: str) -> None:
    """Mark a run as alive, and as one of a ledger.

    Raises:
        ZoeError: The server is away.
    """
    _write(api, run["id"], labels(ledger, run["labels"]))


def take_back(api: Api, run: Mapping[str, Any]) -> None:
    """Remove the mark of a run, if it has one.

    Whoever runs it next may leave no marks, and must not be judged by ours.

    Raises:
        ZoeError: The server is away.
    """
    if run["labels"].get(BEAT) or ledger(run):
        _write(api, run["id"], {BEAT: "", LEDGER: ""})


def beat(run: Mapping[str, Any]) -> str:
    """Return the sign of life of a run as the server shows it; empty where it has none.

    One whose worker is not the latest that took the run is of an earlier time.
    """
    found = run["labels"]
    if WORKER in found and found[WORKER] != found.get(LATEST_WORKER, ""):
        return ""
    return str(found.get(BEAT) or "")


def ledger(run: Mapping[str, Any]) -> str:
    """Return the identity of the ledger that a run stands in; empty where it is not marked."""
    return str(run["labels"].get(LEDGER) or "")


def was_taken_back(run: Mapping[str, Any]) -> bool:
    """Tell whether a run had a mark once and has none now."""
    return BEAT in run["labels"] and not beat(run)


def _write(api: Api, flow_run_id: str, labels: dict[str, str]) -> None:
    api.patch(f"/flow_runs/{flow_run_id}/labels", labels)
