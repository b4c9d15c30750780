"""The stage of one disaster: a container, what runs on it, and how it comes back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import httpx

from tests.support import runs
from tests.support.chaos import programs
from tests.support.chaos.creations import PASSWORD, client
from tests.support.container import Container, eventually

# More than the twenty flow runs of the fullest phase, so that none waits for another.
ENVIRONMENT = (f"--env=ZOE_ADMIN_PASSWORD={PASSWORD}", "--env=ZOE_WORKER_LIMIT=25")


def arguments(engine: str) -> tuple[str, ...]:
    """Return the words for `docker run` that a stage's container needs."""
    return (*ENVIRONMENT, f"--env=ZOE_DATABASE={engine}")


@dataclass
class Stage:
    """One disaster: which program dies where, and what was going on.

    Attributes:
        container: The container.
        engine: sqlite or postgres.
        program: What is killed.
        flows: How many flow runs go on where the phase wants many.
        started: The flow runs that were going on.
        exit_code: How the container ended, if it did.
    """

    container: Container
    engine: str
    program: str
    flows: int
    started: list[str] = field(default_factory=list)
    exit_code: int | None = None
    _release: str = field(default_factory=lambda: f"/data/chaos-{uuid.uuid4().hex}")

    def client(self) -> httpx.Client:
        """Return a client of the container as it is started now."""
        return client(self.container)

    def start_flows(self, count: int) -> None:
        """Start flow runs that go on until `release`, and wait until all do."""
        with self.client() as http:
            deployment = runs.deployments(http)["run-shell-command"]["id"]
            command = f"until test -e {self._release}; do sleep 0.5; done"
            new = [runs.create_run(http, deployment, command=command) for _ in range(count)]
            self.started += new
            body = {
                "flow_runs": {"id": {"any_": new}, "state": {"type": {"any_": ["RUNNING"]}}},
            }
            eventually(
                lambda: http.post("flow_runs/count", json=body).raise_for_status().json() == count,
                what=f"{count} running flows",
            )

    def release(self) -> None:
        """Let the flow runs that are still there end."""
        self.container.exec("touch", self._release)

    def come_back(self, old: set[int]) -> None:
        """Wait until it is healthy again, with another process of the program.

        A container that gave up must have said so by its exit code; it is started again, as a
        restart policy would.

        Args:
            old: The processes of the program before; none when that cannot be told.
        """
        container = self.container

        def is_back() -> bool:
            if not container.is_running():
                self.exit_code = container.wait_exit()
                assert self.exit_code != 0, f"gave up, and said all is well:\n{container.logs()}"
                container.start()
                return False
            now = programs.pids(container, self.program)
            if not now or now & old:
                return False
            try:
                status = container.status()
            except ValueError:
                # It has ended meanwhile, and says nothing any more.
                return False
            # What the conductor saw may be older than the blow; of itself it says nothing.
            seen = status["programs"].get(self.program, {"pid": None})["pid"]
            return bool(status["healthy"] and (seen in now or self.program == "conductor"))

        eventually(is_back, what=f"another {self.program}, and health")

    def restart_after_end(self) -> None:
        """Wait for the container's end, note how it ended, start it again."""
        self.exit_code = self.container.wait_exit()
        self.container.start()
        self.container.wait_healthy()


def pause_schedules(container: Container) -> None:
    """Pause the schedules of the shipped project, so that only the tests' own runs go on."""
    with client(container) as http:
        for deployment in runs.deployments(http).values():
            for schedule in deployment["schedules"]:
                path = f"deployments/{deployment['id']}/schedules/{schedule['id']}"
                http.patch(path, json={"active": False}).raise_for_status()
