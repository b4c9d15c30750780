"""How much of everything: the real sizes, and small ones to try the bench itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The sizes of all measurements.

    Attributes:
        name: What it is called on the command line.
        used_runs: Flow runs that a used volume holds.
        latency_runs: Flow runs of one repetition of the latency.
        latency_spread: Seconds over which their distance varies: the longest polling interval, so
            that runs come at any moment of it.
        burst_runs: Flow runs that are created at once.
        tasks: Tasks of one flow run.
        cpu_runs: Flow runs whose CPU time is counted.
        memory_runs: Flow runs at the same time.
        clients: API clients at the same time.
        runs_each: Flow runs that each of them makes.
        flows: Deployments, each of a flow in a file of its own.
        files: Files that declare deployments.
        deployments_each: Deployments in each of them.
        settle_seconds: After a start, before anything counts as idle.
        idle_seconds: For how long idleness is watched.
    """

    name: str
    used_runs: int
    latency_runs: int
    latency_spread: float
    burst_runs: int
    tasks: int
    cpu_runs: int
    memory_runs: int
    clients: int
    runs_each: int
    flows: int
    files: int
    deployments_each: int
    settle_seconds: float
    idle_seconds: float


FULL = Scale(
    name="full",
    used_runs=200,
    latency_runs=10,
    latency_spread=10,
    burst_runs=200,
    tasks=1000,
    cpu_runs=20,
    memory_runs=20,
    clients=100,
    runs_each=4,
    flows=100,
    files=50,
    deployments_each=10,
    settle_seconds=20,
    idle_seconds=60,
)
SMALL = Scale(
    name="small",
    used_runs=10,
    latency_runs=2,
    latency_spread=2,
    burst_runs=6,
    tasks=30,
    cpu_runs=3,
    memory_runs=2,
    clients=10,
    runs_each=2,
    flows=5,
    files=3,
    deployments_each=2,
    settle_seconds=5,
    idle_seconds=5,
)
SCALES = {scale.name: scale for scale in (FULL, SMALL)}
