"""How each program shows that it is alive and that it is ready."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from appliance import heartbeat
from appliance.layout import Layout, Runtime
from appliance.maintenance import outcome

PATIENCE_SECONDS = 5
# A heart that has not beaten for so long has stopped; the programs beat every few seconds.
HEARTBEAT_SECONDS = 30


class Finding(NamedTuple):
    """The outcome of one probe, in the words of `conducting.Observation`."""

    alive: bool
    ready: bool
    detail: str = ""
    busy: bool = False


Probe = Callable[[int], Finding]


@dataclass(frozen=True)
class HeartbeatProbe:
    """Alive while the program notes that it is; ready once it has.

    Attributes:
        path: The program's heartbeat file.
    """

    path: Path

    def __call__(self, pid: int) -> Finding:
        """Probe the process `pid`."""
        age = heartbeat.age(self.path, pid)
        if age is None:
            return Finding(alive=False, ready=False, detail="is starting")
        if age > HEARTBEAT_SECONDS:
            return Finding(alive=False, ready=False, detail=f"gave no sign of life for {age:.0f} s")
        return Finding(alive=True, ready=True)


@dataclass(frozen=True)
class PostgresProbe:
    """Alive and ready when Postgres accepts connections.

    Attributes:
        command: `pg_isready` with its words.
    """

    command: tuple[str, ...]

    def __call__(self, pid: int) -> Finding:
        """Probe it; its exit code is 1 while it starts or stops, 2 when it is mute."""
        del pid
        code = subprocess.run(self.command, check=False).returncode
        if code == 0:
            return Finding(alive=True, ready=True)
        starting = code == 1
        detail = "does not accept connections yet" if starting else "does not answer"
        return Finding(alive=starting, ready=False, detail=detail)


@dataclass(frozen=True)
class ServerProbe:
    """Alive when the API answers; ready when it reaches its database as well.

    Attributes:
        host: Where it listens, as seen from this machine.
        port: Its port.
        tls: Whether it speaks TLS.
        base_path: The path below which it lives.
        opening: The file that tells that it is at work on its database before it listens.
    """

    host: str
    port: int
    tls: bool
    base_path: str
    opening: Path

    def __call__(self, pid: int) -> Finding:
        """Probe it by Prefect's two open routes."""
        if _content(self.opening) == str(pid):
            detail = "backs up or migrates its database"
            return Finding(alive=True, ready=False, detail=detail, busy=True)
        if not self._answers("/api/health"):
            return Finding(alive=False, ready=False, detail="does not answer on its port")
        if not self._answers("/api/ready"):
            return Finding(alive=True, ready=False, detail="cannot reach its database")
        return Finding(alive=True, ready=True)

    def _answers(self, path: str) -> bool:
        connection = self._connection()
        try:
            connection.request("GET", self.base_path + path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self.tls:
            return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_SECONDS)
        # The certificate is for the public name; nothing secret goes over this connection.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=PATIENCE_SECONDS, context=context
        )


def degradations_from_plan(runtime: Runtime) -> Callable[[], list[str]]:
    """Return what tells which jobs failed the last time, a line each."""
    plan = json.loads(runtime.plan.read_text(encoding="utf-8"))
    layout = Layout(Path(plan["data"]))
    return lambda: [f"{job.job}: {job.line}" for job in outcome.failed(layout, runtime)]


def from_plan(runtime: Runtime) -> tuple[dict[str, int], dict[str, Probe]]:
    """Return, by program in start order, the seconds to become ready and the probe."""
    plan = json.loads(runtime.plan.read_text(encoding="utf-8"))
    probes: dict[str, Probe] = {}
    for name in plan["ready_seconds"]:
        if name == "database":
            probes[name] = PostgresProbe(tuple(plan["pg_isready"]))
        elif name == "server":
            probes[name] = ServerProbe(**plan["server"], opening=runtime.opening)
        else:
            probes[name] = HeartbeatProbe(runtime.heartbeat(name))
    return plan["ready_seconds"], probes


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""
