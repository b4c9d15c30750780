"""A flow of many small tasks."""

from __future__ import annotations

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner


@task
def add_one(number: int) -> int:
    return number + 1


# Prefect declares a runner of any future, and its own runner is of one kind of them.
@flow(task_runner=ThreadPoolTaskRunner(max_workers=10))  # type: ignore[arg-type]
def many_tasks(count: int) -> int:
    return sum(add_one.map(range(count)).result())
