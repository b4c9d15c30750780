"""Probes against real files, real sockets and a real HTTP server."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from appliance import heartbeat
from appliance.files import write_json
from appliance.layout import Layout, Runtime
from appliance.maintenance import outcome
from appliance.maintenance.outcome import Outcome
from appliance.supervisor import probes
from appliance.supervisor.probes import Finding, HeartbeatProbe, PostgresProbe, ServerProbe
from tests.support import certificates
from tests.unit.support import free_port

NO_FILE = Path("/nowhere/opening")


@contextmanager
def http_server(
    answers: dict[str, int], tls: tuple[Path, Path] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Serve a status for each path; 404 for others. Yields the port and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(answers.get(self.path, 404))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("health", "ready", "finding"),
    [
        (200, 200, Finding(alive=True, ready=True)),
        (200, 503, Finding(alive=True, ready=False, detail="cannot reach its database")),
        (500, 200, Finding(alive=False, ready=False, detail="does not answer on its port")),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/prefect"])
def test_server_by_its_two_open_routes(
    base_path: str, health: int, ready: int, finding: Finding
) -> None:
    answers = {f"{base_path}/api/health": health, f"{base_path}/api/ready": ready}
    with http_server(answers) as (port, asked):
        assert (
            ServerProbe("127.0.0.1", port, tls=False, base_path=base_path, opening=NO_FILE)(1)
            == finding
        )
    assert asked[0] == f"{base_path}/api/health"


def test_server_over_tls_whatever_its_name(tmp_path: Path) -> None:
    pair = certificates.write(tmp_path, "server", host="prefect.example.org")
    with http_server({"/api/health": 200, "/api/ready": 200}, tls=pair) as (port, _):
        assert ServerProbe("127.0.0.1", port, tls=True, base_path="", opening=NO_FILE)(1).ready
        # Another program's port, say.
        assert not ServerProbe("127.0.0.1", port, tls=False, base_path="", opening=NO_FILE)(1).alive


def test_server_at_work_on_its_database(tmp_path: Path) -> None:
    probe = ServerProbe(
        "127.0.0.1", free_port(), tls=False, base_path="", opening=tmp_path / "opening"
    )
    probe.opening.write_text("7")
    detail = "backs up or migrates its database"
    assert probe(7) == Finding(alive=True, ready=False, detail=detail, busy=True)
    # Left from a process that died at it.
    assert not probe(8).busy


def test_server_that_is_not_there() -> None:
    finding = ServerProbe("127.0.0.1", free_port(), tls=False, base_path="", opening=NO_FILE)(1)
    assert finding == Finding(alive=False, ready=False, detail="does not answer on its port")


def test_server_that_accepts_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE_SECONDS", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        finding = ServerProbe(
            "127.0.0.1", mute.getsockname()[1], tls=False, base_path="", opening=NO_FILE
        )(1)
    assert not finding.alive


def test_server_that_speaks_no_http() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        finding = ServerProbe(
            "127.0.0.1", other.getsockname()[1], tls=False, base_path="", opening=NO_FILE
        )(1)
        thread.join()
    assert not finding.alive


def test_heartbeat(tmp_path: Path) -> None:
    path = tmp_path / "worker.heartbeat"
    probe = HeartbeatProbe(path)
    own = os.getpid()
    starting = Finding(alive=False, ready=False, detail="is starting")
    assert probe(own) == starting
    heartbeat.beat(path)
    assert probe(own) == Finding(alive=True, ready=True)
    # What the process before this one left does not count.
    assert probe(own + 1) == starting
    path.write_text(f"{own} {time.monotonic() - 42:.3f}")
    assert probe(own) == Finding(alive=False, ready=False, detail="gave no sign of life for 42 s")


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        (0, Finding(alive=True, ready=True)),
        (1, Finding(alive=True, ready=False, detail="does not accept connections yet")),
        (2, Finding(alive=False, ready=False, detail="does not answer")),
    ],
)
def test_postgres_by_the_exit_code(code: int, finding: Finding) -> None:
    command = (sys.executable, "-S", "-c", f"raise SystemExit({code})")
    assert PostgresProbe(command)(1) == finding


def test_plan_names_a_probe_for_each_program(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    server = {"host": "127.0.0.1", "port": 4200, "tls": True, "base_path": "/p"}
    runtime.plan.write_text(
        json.dumps(
            {
                "ready_seconds": {"database": 1, "server": 2, "deployer": 3, "worker": 4},
                "server": server,
                "pg_isready": ["pg_isready", "--quiet"],
            }
        )
    )
    seconds, found = probes.from_plan(runtime)
    assert seconds == {"database": 1, "server": 2, "deployer": 3, "worker": 4}
    assert found == {
        "database": PostgresProbe(("pg_isready", "--quiet")),
        "server": ServerProbe("127.0.0.1", 4200, tls=True, base_path="/p", opening=runtime.opening),
        "deployer": HeartbeatProbe(tmp_path / "deployer.heartbeat"),
        "worker": HeartbeatProbe(tmp_path / "worker.heartbeat"),
    }


def test_failed_jobs_are_told_written_down_or_not(tmp_path: Path) -> None:
    layout, runtime = Layout(tmp_path / "data"), Runtime(tmp_path)
    runtime.plan.write_text(json.dumps({"data": str(layout.data)}))
    degradations = probes.degradations_from_plan(runtime)
    assert degradations() == []
    outcome.write(layout, Outcome("backup", 0.0, 1.0, ok=True))
    outcome.write(layout, Outcome("shrink", 0.0, 1.0, ok=False, line="it is damaged"))
    unwritten = Outcome("backup", 2.0, 3.0, ok=False, line="the disk is full")
    write_json(runtime.unwritten_outcomes, {"backup": asdict(unwritten)})
    assert sorted(degradations()) == ["backup: the disk is full", "shrink: it is damaged"]
