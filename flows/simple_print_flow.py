"""The first flow to look at: it prints, and what it prints is the run's log."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field


@flow(log_prints=True)
def simple_print_flow(name: str = "world", times: Annotated[int, Field(ge=1, le=100)] = 1) -> str:
    """Print a greeting.

    Args:
        name: Whom to greet.
        times: How often.
    """
    greeting = f"Hello, {name}!"
    for _ in range(times):
        print(greeting)  # noqa: T201  # log_prints makes it a log record
    return greeting


if __name__ == "__main__":
    simple_print_flow()
