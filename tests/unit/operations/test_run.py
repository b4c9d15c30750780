"""What `zoe run` lays out before it becomes supervisord."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from appliance import exchange
from appliance.errors import OperatorError
from appliance.files import read_json, write_json
from appliance.layout import Layout, Runtime
from appliance.operations.run import conductor_plan, prepare, run
from appliance.settings import load
from appliance.supervisor import probes, programs
from tests.unit.support import make_settings


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    return Runtime(tmp_path / "run")


def test_ground_is_laid_for_the_owner_only(runtime: Runtime, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    prepare(load(), layout, runtime)
    for directory in (layout.data, layout.secrets_dir, layout.log_file.parent, runtime.root):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    kept = layout.admin_password.read_text()
    for path in (runtime.supervisor_configuration, runtime.plan):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert kept.strip() not in path.read_text()
    seconds, found = probes.from_plan(runtime)
    assert list(seconds) == list(found) == ["server", "deployer", "worker", "maintenance"]

    # Again, as after a crash: secrets stay, reports of the last time go.
    for report in (
        runtime.health_report,
        runtime.fatal_report,
        runtime.flow_descriptions,
        runtime.opening,
        runtime.heartbeat("worker"),
    ):
        write_json(report, {})
    prepare(load(), layout, runtime)
    assert layout.admin_password.read_text() == kept
    left = {path.name for path in runtime.root.iterdir()}
    assert left == {"supervisord.conf", "plan.json"}


def test_an_interrupted_exchange_is_finished_before_anything_looks_at_the_data(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path / "data")
    monkeypatch.setenv("ZOE_DATA_DIR", str(layout.data))
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(runtime.root))
    (layout.data / ".restoring-x").mkdir(parents=True)
    write_json(layout.stamp, {"zoe": "99"})
    write_json(layout.data / ".restoring-x" / "zoe.json", {"zoe": "0"})
    moves = [["zoe.json", "kept.json"], [".restoring-x/zoe.json", "zoe.json"]]
    write_json(layout.exchange_journal, {"moves": moves})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("ZOE_HOST", "127.0.0.1")
        monkeypatch.setenv("ZOE_PORT", str(taken.getsockname()[1]))
        # The port alone is refused, not the newer version that the exchange takes away.
        with pytest.raises(OperatorError, match=r"^cannot listen on [^\n]*$"):
            run()
    assert read_json(layout.stamp) == {"zoe": "0"}
    assert not exchange.is_pending(layout)


@pytest.mark.parametrize(("components", "stamped"), [("worker", True), ("server,worker", False)])
def test_a_server_stamps_the_data_itself_when_it_has_migrated_them(
    runtime: Runtime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    components: str,
    stamped: bool,
) -> None:
    monkeypatch.setenv("ZOE_COMPONENTS", components)
    if components == "worker":
        monkeypatch.setenv("ZOE_API_URL", "http://zoe:4200/api")
    layout = Layout(tmp_path / "data")
    prepare(load(), layout, runtime)
    assert layout.stamp.exists() is stamped


def test_key_missing_beside_an_embedded_cluster_is_left_to_the_server(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postgres").touch(0o755)
    monkeypatch.setenv("ZOE_DATABASE", "postgres")
    monkeypatch.setenv("ZOE_POSTGRES_BIN_DIR", str(tmp_path))
    new, used = Layout(tmp_path / "new"), Layout(tmp_path / "used")
    prepare(load(), new, runtime)
    assert new.encryption_key.exists()
    used.postgres_data.mkdir(parents=True)
    prepare(load(), used, runtime)
    assert not used.encryption_key.exists()


@pytest.mark.parametrize(
    ("values", "server"),
    [
        ({}, {"host": "127.0.0.1", "port": 4200, "tls": False, "base_path": ""}),
        (
            {"host": "::", "port": 1, "public_url": "https://h/p"},
            {"host": "::1", "port": 1, "tls": False, "base_path": "/p"},
        ),
        (
            {"host": "10.0.0.5", "tls_cert_file": "/c", "tls_key_file": "/k"},
            {"host": "10.0.0.5", "port": 4200, "tls": True, "base_path": ""},
        ),
    ],
)
def test_server_s_probe_asks_where_it_listens(
    tmp_path: Path, values: dict[str, Any], server: dict[str, Any]
) -> None:
    settings = make_settings(**values)
    plan = conductor_plan(settings, programs.plan(settings), Runtime(tmp_path))
    assert json.loads(json.dumps(plan))["server"] == server
    assert "pg_isready" not in plan


def test_embedded_postgres_is_asked_on_its_socket(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch(0o755)
    settings = make_settings(database="postgres", postgres_bin_dir=tmp_path)
    plan: Any = conductor_plan(settings, programs.plan(settings), Runtime(tmp_path))
    assert plan["pg_isready"][0] == str(tmp_path / "pg_isready")
    assert f"--host={tmp_path / 'postgres'}" in plan["pg_isready"]
