"""Run other flows as subflows: one after another, then at the same time, one failing on purpose."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

from content_filenames_verification_flow import content_filenames_verification_flow
from prefect import flow, get_client, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import Field
from run_shell_command import run_shell_command
from simple_print_flow import simple_print_flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect import Flow, State

ARTIFACT_KEY = "run-multiple-flows"


class SubflowsError(RuntimeError):
    """A subflow ended otherwise than it should."""


@dataclass(frozen=True)
class Outcome:
    """How a subflow went.

    Attributes:
        title: What the summary calls it.
        flow: The name of its flow.
        state: The name of the state that it ended in.
        as_expected: Whether it ended as it should.
        start: When it began to run.
        end: When it had ended.
    """

    title: str
    flow: str
    state: str
    as_expected: bool
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class Subflow:
    """A flow that shall run as a part of another.

    Attributes:
        title: What the summary calls it.
        flow: The flow.
        parameters: Its parameters.
        shall_fail: Whether it is there to fail.
    """

    title: str
    flow: Flow[..., Any]
    parameters: dict[str, Any]
    shall_fail: bool = False

    def run(self) -> Outcome:
        """Run it to its end; its failure is a result like any other."""
        called = datetime.now(UTC)
        call: Callable[..., State[Any]] = self.flow
        # With `return_state` a failed subflow gives its state instead of raising in its parent.
        state = call(**self.parameters, return_state=True)
        run_id = state.state_details.flow_run_id
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(run_id) if run_id else None
        return Outcome(
            title=self.title,
            flow=self.flow.name,
            state=state.name or state.type.value,
            as_expected=state.is_failed() if self.shall_fail else state.is_completed(),
            # A run whose parameters are refused never begins.
            start=(run and run.start_time) or called,
            end=(run and run.end_time) or datetime.now(UTC),
        )


@flow
def run_multiple_flows(
    seconds: Annotated[int, Field(ge=0, le=60)] = 5, fail_one_on_purpose: bool = True
) -> list[Outcome]:
    """Run subflows one after another, then several at the same time.

    One of them fails on purpose, and the others and this run go on; the summary (log and artifact)
    says how each ended. The run fails only if a subflow ends otherwise than it should.

    Args:
        seconds: How long each of the concurrent subflows works.
        fail_one_on_purpose: Whether to run the one that fails, too.
    """
    sequential = [
        Subflow("first", simple_print_flow, {"name": "subflow"}),
        Subflow("second", content_filenames_verification_flow, {}),
    ]
    concurrent = [
        Subflow("side by side, a", run_shell_command, {"command": f"sleep {seconds}; echo a"}),
        Subflow("side by side, b", run_shell_command, {"command": f"sleep {seconds}; echo b"}),
    ]
    if fail_one_on_purpose:
        command = {"command": "echo 'failing on purpose' >&2; exit 3"}
        concurrent.append(Subflow("fails on purpose", run_shell_command, command, shall_fail=True))

    outcomes = [subflow.run() for subflow in sequential]
    outcomes += run_concurrently(concurrent)

    summary = summarise(outcomes)
    get_run_logger().info("%s", summary)
    create_markdown_artifact(
        key=ARTIFACT_KEY, markdown=summary, description="How the subflows went"
    )
    unexpected = [outcome for outcome in outcomes if not outcome.as_expected]
    if unexpected:
        what = ", ".join(f"{outcome.title} ({outcome.state})" for outcome in unexpected)
        raise SubflowsError(f"These subflows ended otherwise than they should: {what}.")
    return outcomes


def run_concurrently(subflows: list[Subflow]) -> list[Outcome]:
    """Run subflows at the same time, each in a thread; their outcomes come in the same order."""
    with ThreadPoolExecutor(max_workers=len(subflows)) as threads:
        # In a copy of this context, a subflow in a thread still knows which run is its parent.
        running = [threads.submit(copy_context().run, subflow.run) for subflow in subflows]
        return [future.result() for future in running]


def overlap_seconds(one: Outcome, other: Outcome) -> float:
    """Say how long both ran at the same time."""
    together = min(one.end, other.end) - max(one.start, other.start)
    return max(0.0, together.total_seconds())


def summarise(outcomes: list[Outcome]) -> str:
    """Write a Markdown table of the outcomes and what can be learned from it."""
    rows = [
        f"| {outcome.title} | {outcome.flow} | {outcome.state} |"
        f" {'yes' if outcome.as_expected else '**no**'} |"
        f" {outcome.start:%H:%M:%S} | {outcome.seconds:.1f} s |"
        for outcome in outcomes
    ]
    good = sum(outcome.as_expected for outcome in outcomes)
    closing = [f"{good} of {len(outcomes)} subflows ended as expected."]
    closing += [
        f"'{one.title}' and '{other.title}' ran at the same time for"
        f" {overlap_seconds(one, other):.1f} s."
        for one, other in combinations(outcomes, 2)
        if overlap_seconds(one, other) > 0
    ]
    head = [
        "| subflow | flow | ended in state | as expected | began (UTC) | ran |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, "", *closing])


if __name__ == "__main__":
    run_multiple_flows(seconds=1)
