"""A clean environment for every test, and the one real server that some of them share."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from appliance.api import Api
from appliance.settings import Settings
from tests.unit import postgres_server as postgres_server_module
from tests.unit.support import credentials_of, free_port, make_settings, wait_until


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have Zoe's variables in the environment."""
    for name in [name for name in os.environ if name.upper().startswith("ZOE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _umask_of_this_machine() -> Iterator[None]:
    """What is tested may set it, as `zoe run` does, and would set it for the tests after."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def no_prefect_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)


@pytest.fixture
def public_dir() -> Iterator[Path]:
    """A directory that every user may enter; pytest's own are closed to all but their owner."""
    with tempfile.TemporaryDirectory(prefix="zoe-unit-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


T = TypeVar("T", bound=Api)


@dataclass(frozen=True)
class RealServer:
    """A Prefect server as the appliance starts it, and the way to it."""

    settings: Settings
    user: str
    password: str

    def api(self) -> Api:
        return self.connect(Api)

    def connect(self, kind: type[T]) -> T:
        return kind(self.settings, credentials_of(self.user, self.password))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs the server last: it starts in the background meanwhile."""
    items.sort(key=_needs_server)


def _needs_server(item: pytest.Item) -> bool:
    return "real_server" in getattr(item, "fixturenames", ())


@dataclass(frozen=True)
class _Starting:
    process: subprocess.Popen[bytes]
    server: RealServer
    log: Path


@pytest.fixture(scope="session", autouse=True)
def _starting_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Starting | None]:
    if not any(map(_needs_server, request.session.items)):
        yield None
        return
    home = tmp_path_factory.mktemp("server")
    port = free_port()
    server = RealServer(make_settings(host="127.0.0.1", port=port), "admin", "a-test-password")
    (home / "runtime").mkdir()
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ZOE_", "PREFECT_"))
        },
        "ZOE_DATA_DIR": str(home / "data"),
        "ZOE_RUNTIME_DIR": str(home / "runtime"),
        "ZOE_TEMPLATES": str(home / "no-templates"),
        "ZOE_HOST": "127.0.0.1",
        "ZOE_PORT": str(port),
        "ZOE_ADMIN_PASSWORD": server.password,
        "ZOE_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        # Neither is of any use here, and both cost CPU while other tests run.
        "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
    }
    log = home / "server.log"
    command = [sys.executable, "-m", "appliance.server"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=home
        ) as process,
    ):
        try:
            yield _Starting(process, server, log)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def real_server(_starting_server: _Starting) -> RealServer:
    """A Prefect server as the appliance starts it, one for all."""
    server, process, log = _starting_server.server, _starting_server.process, _starting_server.log
    wait_until(lambda: _answers(server.settings.port, process, log), "the server is healthy", 120)
    return server


def _answers(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        pytest.fail(f"the server ended: {log.read_text()}")
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/ready", timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres_server_module.Server]:
    """A PostgreSQL server; tests/image has one in any case."""
    bin_dir = postgres_server_module.installed()
    if bin_dir is None:
        pytest.skip("PostgreSQL's server programs are not installed here")
    with postgres_server_module.serving(bin_dir) as server:
        yield server
