"""What is measured: one or several containers that are one Prefect, ours or stock."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.bench.model import Variant
from tests.bench.subjects.processes import Look, look
from tests.support.container import IMAGE, docker, eventually

POOL = "default"
PASSWORD = "only-for-the-bench"
# Where the bench's flows lie in the containers.
PROJECT = "/bench"
START_SECONDS = 300.0
# Often enough for a start of seconds, and a few per mille of a core.
LOOK_SECONDS = 0.05
PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Wanted:
    """What shall be started.

    Attributes:
        variant: Which one.
        flows: The volume with the bench's flows.
        data: The volume for its state; its own, removed afterwards, when left out.
        engine: sqlite or postgres.
        worker: Whether flow runs shall be executed.
        worker_limit: How many at once; Prefect's own default is any number, ours 10.
        projects: What Zoe deploys; empty for what the image ships.
        environment: Further variables for Zoe.
    """

    variant: Variant
    flows: str
    data: str = ""
    engine: str = "sqlite"
    worker: bool = True
    worker_limit: int | None = None
    projects: str = PROJECT + "/none"
    environment: tuple[str, ...] = ()


@dataclass
class Part:
    """One container of a subject."""

    name: str
    is_worker: bool = False


@dataclass
class Subject:
    """A Prefect that runs.

    Attributes:
        parts: Its containers; the first one has the port.
        auth: User and password, where it asks for them.
        began: When it was begun to be started.
        answered_after: Seconds until its API was healthy.
        ready_after: Seconds until a worker was online, too.
    """

    parts: list[Part] = field(default_factory=list)
    auth: httpx.BasicAuth | None = None
    began: float = 0.0
    answered_after: float = 0.0
    ready_after: float = 0.0
    _resources: ExitStack = field(default_factory=ExitStack)

    def run(self, *words: str, is_worker: bool = False) -> Part:
        """Start one more container; it is removed with the subject, and its own volumes."""
        part = Part(f"zoe-bench-{uuid.uuid4().hex[:12]}", is_worker)
        self._resources.callback(docker, "rm", "--force", "--volumes", part.name, check=False)
        done = docker("run", "--detach", "--name", part.name, *words, check=False)
        if done.returncode:
            raise RuntimeError(f"docker run: {done.stderr.strip()}")
        self.parts.append(part)
        return part

    def url(self) -> str:
        found = docker("port", self.parts[0].name, "4200/tcp").stdout.split()
        return f"http://127.0.0.1:{found[0].rpartition(':')[2]}/api/"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url(), auth=self.auth, timeout=120)

    def exec(
        self, part: Part, *command: str, stdin: bytes | None = None, user: str | None = None
    ) -> str:
        """Run a command in a container; return what it prints."""
        options = [
            *(["--interactive"] if stdin is not None else []),
            *(["--user", user] if user is not None else []),
        ]
        words = ["docker", "exec", *options, part.name, *command]
        done = subprocess.run(words, input=stdin, capture_output=True, check=False)
        if done.returncode:
            told = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"{command[0]} exited {done.returncode}: {told[-500:]}")
        return done.stdout.decode()

    def looks(self, *, memory: bool = False) -> list[Look]:
        """Look into all containers; `memory` costs the kernel some milliseconds a process."""
        words = ["python3", "-I", "-S", "-", *(["memory"] if memory else [])]
        source = PROBE.read_bytes()
        return [
            look(self.exec(part, *words, stdin=source), is_worker=part.is_worker)
            for part in self.parts
        ]

    def wait_answer(self) -> None:
        """Wait until the API is healthy; note how long that took."""
        url = self.url()
        self._wait(lambda: _is_healthy(f"{url}health"), "a healthy API")
        self.answered_after = time.monotonic() - self.began

    def wait_worker(self) -> None:
        """Wait until a worker is online; note how long that took."""
        since = datetime.now(UTC) - timedelta(seconds=time.monotonic() - self.began)
        with self.client() as client:
            self._wait(lambda: is_served(client, since), "a worker that is online")
        self.ready_after = time.monotonic() - self.began

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        def is_so() -> bool:
            for part in self.parts:
                if docker("inspect", "-f", "{{.State.Running}}", part.name).stdout != "true\n":
                    raise RuntimeError(f"a container ended: {self.last_words(part)}")
            # Asking Docker is dearer than asking the server.
            until = time.monotonic() + 1
            while not (found := condition()) and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
            return found

        eventually(is_so, within=START_SECONDS, what=what, pause=0)

    def last_words(self, part: Part) -> str:
        done = docker("logs", "--tail", "5", part.name, check=False)
        return " ".join((done.stdout + done.stderr).split())[-500:]

    def stop(self) -> float:
        """Stop all containers at once, as `docker stop` does; return the seconds that took."""
        began = time.monotonic()
        docker("stop", *(part.name for part in self.parts))
        return time.monotonic() - began

    def close(self) -> None:
        """Remove all of it."""
        self._resources.close()


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def is_served(client: httpx.Client, since: datetime) -> bool:
    """Tell whether a worker is online that has been seen since then.

    On a used volume the worker of the former life is online, too, for half a minute.
    """
    try:
        answer = client.post(f"work_pools/{POOL}/workers/filter", json={})
    except httpx.TransportError:
        return False
    return answer.is_success and any(
        each["status"] == "ONLINE" and datetime.fromisoformat(each["last_heartbeat_time"]) > since
        for each in answer.json()
    )


def common(wanted: Wanted) -> Sequence[str]:
    """Return the words for `docker run` that give a container flows and state.

    The image declares a volume at /data: without a name Docker makes one of the container's own.
    """
    return (*flows(wanted), *((f"--volume={wanted.data}:/data",) if wanted.data else ()))


def flows(wanted: Wanted) -> Sequence[str]:
    """Return the words that give a container the bench's flows."""
    return (f"--volume={wanted.flows}:{PROJECT}",)


PUBLISHED = ("--publish=127.0.0.1::4200",)
THE_IMAGE = IMAGE
