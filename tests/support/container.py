"""A container of the image under test: started hardened, addressed, asked, and always removed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

IMAGE = os.environ.get("IMAGE", "zoe-prefect")
HARDENED = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)
# Generous: the machine may be slow. What is measured has a bound of its own.
PATIENCE_SECONDS = 180.0


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the Docker client; its output is text."""
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True)


def eventually(
    condition: Callable[[], Any],
    *,
    within: float = PATIENCE_SECONDS,
    what: str = "",
    pause: float = 0.2,
) -> Any:
    """Return the condition's first true value; fail when there is none in time.

    A question by `docker exec` costs more than what is waited for may. So a dear one is put less
    often: after twice the time that the answer took, but a second later at the most.
    """
    deadline = time.monotonic() + within
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"not within {within:g} s: {what or condition}; last: {value!r}")
        time.sleep(max(pause, min(2 * (now - asked), 1.0)))


@dataclass(frozen=True)
class Finished:
    """How a container that ended by itself did so."""

    exit_code: int
    output: str
    seconds: float


class Container:
    """One container; see `running`."""

    def __init__(self, name: str, scheme: str = "http", base_path: str = "") -> None:
        self.name = name
        self._scheme = scheme
        self._base_path = base_path

    @property
    def port(self) -> int:
        """Return the port on this machine that leads to the container's 4200."""
        return int(docker("port", self.name, "4200/tcp").stdout.split()[0].rpartition(":")[2])

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}{self._base_path}"

    def inspect(self, template: str) -> str:
        return docker("inspect", "--format", template, self.name).stdout.strip()

    def address(self, network: str) -> str:
        return self.inspect(f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}')

    def exec(self, *command: str, check: bool = True, user: str | None = None) -> str:
        arguments = ["exec", *(["--user", user] if user else []), self.name, *command]
        done = docker(*arguments, check=False)
        if check and done.returncode:
            raise AssertionError(f"{command} exited {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def exit_code_of(self, *command: str) -> int:
        return docker("exec", self.name, *command, check=False).returncode

    def logs(self) -> str:
        done = docker("logs", self.name)
        return done.stdout + done.stderr

    def is_running(self) -> bool:
        return self.inspect("{{.State.Running}}") == "true"

    def wait_healthy(self, within: float = PATIENCE_SECONDS) -> None:
        """Wait until every program is ready, by `zoe health`'s word."""

        def healthy() -> bool:
            if not self.is_running():
                raise AssertionError(f"the container ended:\n{self.logs()}")
            return self.exit_code_of("zoe", "health", "--quiet", "--wait=10") == 0

        try:
            eventually(healthy, within=within, what="healthy")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.exec("zoe", "status", "--json", check=False))
        return status

    def password(self) -> str:
        return self.exec("cat", "/data/secrets/admin_password").strip()

    def client(self, *, authenticated: bool = True) -> httpx.Client:
        auth = httpx.BasicAuth("admin", self.password()) if authenticated else None
        return httpx.Client(base_url=f"{self.url}/api", auth=auth, timeout=60, verify=False)  # noqa: S501 - certificates of the tests' own

    def stop(self) -> float:
        """Stop as `docker stop` does; return the seconds that took."""
        began = time.monotonic()
        docker("stop", self.name)
        return time.monotonic() - began

    def start(self) -> None:
        docker("start", self.name)

    def wait_exit(self, within: float = PATIENCE_SECONDS) -> int:
        eventually(lambda: not self.is_running(), within=within, what="the container's end")
        return int(self.inspect("{{.State.ExitCode}}"))


@contextlib.contextmanager
def running(
    *arguments: str,
    command: Sequence[str] = (),
    hardened: bool = True,
    scheme: str = "http",
    base_path: str = "",
    image: str = IMAGE,
) -> Iterator[Container]:
    """Start a container of the image, published on a free port of the loopback interface.

    Args:
        arguments: Further words for `docker run`.
        command: What to run instead of `run`.
        hardened: Read-only root, no capabilities, no new privileges.
        scheme: How the server will speak.
        base_path: Below which path it will live.
        image: The image.
    """
    name = f"zoe-test-{uuid.uuid4().hex[:12]}"
    docker(
        "run",
        "--detach",
        "--name",
        name,
        "--publish=127.0.0.1::4200",
        # With several containers at once Docker's own look, every ten seconds, is a load to notice.
        "--health-interval=30s",
        *(HARDENED if hardened else ()),
        *arguments,
        image,
        *command,
    )
    try:
        yield Container(name, scheme, base_path)
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def run_to_the_end(*arguments: str, command: Sequence[str] = (), image: str = IMAGE) -> Finished:
    """Run a container that ends by itself; it is removed."""
    began = time.monotonic()
    done = docker("run", "--rm", *HARDENED, *arguments, image, *command, check=False)
    return Finished(done.returncode, done.stdout + done.stderr, time.monotonic() - began)


@contextlib.contextmanager
def volume() -> Iterator[str]:
    """Make an empty volume; remove it afterwards."""
    name = f"zoe-test-{uuid.uuid4().hex[:12]}"
    docker("volume", "create", name)
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name, check=False)


@contextlib.contextmanager
def network() -> Iterator[str]:
    """Make a network of containers; remove it afterwards."""
    name = f"zoe-test-{uuid.uuid4().hex[:12]}"
    docker("network", "create", name)
    try:
        yield name
    finally:
        docker("network", "rm", name, check=False)


def gateway(net: str) -> str:
    """Return the address at which the containers of a network find this machine."""
    template = "{{(index .IPAM.Config 0).Gateway}}"
    return docker("network", "inspect", net, "--format", template).stdout.strip()
