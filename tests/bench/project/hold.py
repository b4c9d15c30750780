"""A flow that only stays, to be looked at."""

from __future__ import annotations

import time

from prefect import flow


@flow
def hold(seconds: float) -> None:
    time.sleep(seconds)
