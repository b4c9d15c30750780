"""Moments as Prefect's API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds(moment: str) -> float:
    """Return seconds since the epoch.

    Raises:
        ValueError: It is not in ISO 8601 form.
    """
    return datetime.fromisoformat(moment).timestamp()


def written(moment: float) -> str:
    """Return a moment as the API reads it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()
