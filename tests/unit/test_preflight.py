"""Every refusal, each with a real cause."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from appliance import preflight, stamp
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout, Runtime
from appliance.settings import Settings
from tests.support import certificates
from tests.unit import small_database
from tests.unit.support import NOBODY, free_port, make_settings, unprivileged

pytestmark = pytest.mark.usefixtures("no_prefect_variables")


class Ground:
    """Directories, settings, and the check of both."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root / "data")
        self.runtime = Runtime(root / "run")
        self.values: dict[str, Any] = {"host": "127.0.0.1", "port": free_port()}

    @property
    def settings(self) -> Settings:
        return make_settings(**self.values)

    def check(self, *, starting: bool = True) -> None:
        preflight.check(self.settings, self.layout, self.runtime, starting=starting)

    def mistakes(self, *, starting: bool = True) -> list[str]:
        with pytest.raises(OperatorError) as caught:
            self.check(starting=starting)
        return caught.value.line().splitlines()


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@pytest.fixture
def public_ground(public_dir: Path) -> Ground:
    return Ground(public_dir)


@pytest.fixture
def pair(public_dir: Path) -> tuple[Path, Path]:
    return certificates.write(public_dir, "server")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        yield taker.getsockname()[1]


def test_good_ground_is_left_as_it_is(ground: Ground) -> None:
    ground.check()
    assert not ground.layout.data.exists()
    assert not ground.runtime.root.exists()


def test_port_in_use(ground: Ground, taken_port: int) -> None:
    ground.values["port"] = taken_port
    (line,) = ground.mistakes()
    assert line.startswith(f"cannot listen on 127.0.0.1 port {taken_port}: Address already in use")
    # A running Zoe has it itself.
    ground.check(starting=False)


def test_port_of_another_machine_s_address(ground: Ground) -> None:
    # TEST-NET-1, which is nobody's.
    ground.values["host"] = "192.0.2.1"
    (line,) = ground.mistakes()
    assert "cannot listen on 192.0.2.1" in line
    assert "ZOE_HOST and ZOE_PORT" in line


def test_certificate_and_key_that_fit(ground: Ground, pair: tuple[Path, Path]) -> None:
    ground.values |= {"tls_cert_file": pair[0], "tls_key_file": pair[1]}
    ground.check()


def test_key_of_another_certificate(
    ground: Ground, pair: tuple[Path, Path], public_dir: Path
) -> None:
    _, other = certificates.write(public_dir, "other")
    ground.values |= {"tls_cert_file": pair[0], "tls_key_file": other}
    (line,) = ground.mistakes()
    assert "certificate and key cannot be used: key values mismatch" in line
    assert str(other) in line


def test_key_with_a_passphrase(ground: Ground, pair: tuple[Path, Path], public_dir: Path) -> None:
    key = serialization.load_pem_private_key(pair[1].read_bytes(), None)
    locked = public_dir / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    ground.values |= {"tls_cert_file": pair[0], "tls_key_file": locked}
    (line,) = ground.mistakes()
    assert "the key is protected by a passphrase" in line
    assert "without a passphrase" in line


def test_files_that_are_no_pem(ground: Ground, pair: tuple[Path, Path], public_dir: Path) -> None:
    text = public_dir / "text"
    text.write_text("not a certificate")
    ground.values |= {"tls_cert_file": text, "tls_key_file": pair[1]}
    (line,) = ground.mistakes()
    assert "certificate and key cannot be used" in line
    assert "give a PEM certificate" in line


def test_key_that_may_not_be_read(public_ground: Ground, pair: tuple[Path, Path]) -> None:
    pair[1].chmod(0)
    public_ground.layout.data.mkdir()
    public_ground.layout.data.chmod(0o777)
    public_ground.runtime.root.mkdir()
    public_ground.runtime.root.chmod(0o777)
    public_ground.values |= {"tls_cert_file": pair[0], "tls_key_file": pair[1]}
    (line,) = unprivileged(public_ground.mistakes)
    assert line.startswith(f"the file {pair[1]} is not there or not readable for uid")
    assert "ZOE_TLS_KEY_FILE" in line


def test_certificate_in_a_closed_directory(public_ground: Ground, public_dir: Path) -> None:
    # As /etc/letsencrypt/live is.
    closed = public_dir / "live"
    closed.mkdir()
    pair = certificates.write(closed, "server")
    for directory in (public_ground.layout.data, public_ground.runtime.root):
        directory.mkdir()
        directory.chmod(0o777)
    public_ground.values |= {"tls_cert_file": pair[0], "tls_key_file": pair[1]}
    closed.chmod(0)
    try:
        (line,) = unprivileged(public_ground.mistakes)
    finally:
        closed.chmod(0o755)
    assert line.startswith(f"the file {pair[0]} is not there or not readable for uid")


@pytest.mark.parametrize(("content", "words"), [(None, "is not there"), ("x", "no certificate")])
def test_certificate_authority(
    ground: Ground, tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    ground.values = {
        "components": "worker",
        "api_url": "https://z/api",
        "tls_ca_file": path,
        "auth": False,
    }
    (line,) = ground.mistakes()
    assert words in line
    assert "ZOE_TLS_CA_FILE" in line


def test_data_directory_that_may_not_be_written(public_ground: Ground) -> None:
    # Nothing is there yet, so that the parent counts.
    first, second = unprivileged(public_ground.mistakes)
    root = public_ground.layout.data.parent
    assert f"cannot write to {root} (ZOE_DATA_DIR)" in first
    assert "docker run --user" in first
    assert f"cannot write to {root} (ZOE_RUNTIME_DIR)" in second


def test_data_directory_below_a_closed_one(public_dir: Path) -> None:
    closed = public_dir / "closed"
    closed.mkdir()
    closed.chmod(0)
    ground = Ground(closed)
    try:
        first, _ = unprivileged(ground.mistakes)
    finally:
        closed.chmod(0o755)
    assert f"cannot write to {closed} (ZOE_DATA_DIR)" in first


def test_data_directory_that_is_a_file(ground: Ground) -> None:
    ground.layout.data.write_text("")
    (line,) = ground.mistakes()
    assert line.startswith(f"{ground.layout.data} is not a directory (ZOE_DATA_DIR)")


def test_data_of_somebody_else(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.layout.data.mkdir()
    stamp.write(ground.layout)
    owner = os.getuid()
    ground.check()
    # Only root can give a file away, so it is we who seem to be somebody else.
    monkeypatch.setattr(os, "getuid", lambda: owner + NOBODY)
    (line,) = ground.mistakes()
    assert f"belongs to uid {owner}, and this is uid {owner + NOBODY}" in line
    assert f"docker run --user {owner}" in line


def test_data_of_a_newer_version(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.layout.data.mkdir()
    monkeypatch.setattr(stamp, "__version__", "99.0.0")
    stamp.write(ground.layout)
    monkeypatch.undo()
    (line,) = ground.mistakes()
    assert "last used by Zoe 99.0.0" in line


def test_extra_worker_without_password(ground: Ground) -> None:
    ground.values = {"components": "worker", "api_url": "http://z/api"}
    (line,) = ground.mistakes()
    assert "no password for the server http://z/api" in line


def test_postgres_programs_that_are_not_there(ground: Ground, tmp_path: Path) -> None:
    ground.values |= {"database": "postgres", "postgres_bin_dir": tmp_path}
    (line,) = ground.mistakes()
    assert f"there is no program postgres in {tmp_path}" in line
    assert "ZOE_POSTGRES_BIN_DIR" in line


def test_external_database_that_is_not_there(ground: Ground) -> None:
    port = free_port()
    ground.values["database"] = f"postgresql://u:hidden@127.0.0.1:{port}/prefect"
    (line,) = ground.mistakes()
    assert line.startswith(f"the database at 127.0.0.1:{port} cannot be used: ")
    assert "hidden" not in line
    # A running Zoe finds out by itself.
    ground.check(starting=False)


def test_external_database_that_is_none(ground: Ground) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def greet() -> None:
            # asyncpg asks for TLS first, and again without.
            with contextlib.suppress(OSError):  # it may have heard enough the first time
                for _ in range(2):
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        ground.values["database"] = f"postgresql://u:hidden@127.0.0.1:{port}/prefect"
        (line,) = ground.mistakes()
    assert line.startswith(f"the database at 127.0.0.1:{port} cannot be used: ")
    assert "hidden" not in line


def test_all_at_once(
    ground: Ground, taken_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.layout.data.write_text("")
    ground.values |= {
        "port": taken_port,
        "tls_cert_file": tmp_path / "c",
        "tls_key_file": tmp_path / "k",
    }
    monkeypatch.setenv("PREFECT_API_URL", "http://x")
    monkeypatch.setenv("PREFECT_HOME", "/x")
    starts = ["PREFECT_API_URL", "PREFECT_HOME", f"{ground.layout.data} is", "the file", "cannot"]
    lines = ground.mistakes()
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 5


def test_sqlite_database_is_looked_into(ground: Ground) -> None:
    file = ground.layout.sqlite_file
    small_database.make(file, revisions=["newer"], blocks={"one": small_database.new_key()})
    # A running Zoe's database is looked at by `zoe config check` just the same.
    for starting in (True, False):
        newer, lost = ground.mistakes(starting=starting)
        assert "newer, which Prefect 3.8.8 does not know" in newer
        assert "the key that encrypts the one block in the database is missing" in lost
    file.write_bytes(b"x" * 5000)
    (line,) = ground.mistakes()
    assert f"the database {file} is damaged: file is not a database" in line


def test_database_that_cannot_be_looked_into(ground: Ground, taken_port: int) -> None:
    ground.layout.sqlite_file.mkdir(parents=True)
    with pytest.raises(WorldError, match="cannot be read"):
        ground.check()
    ground.values["port"] = taken_port
    (line,) = ground.mistakes()
    assert "Address already in use" in line


def test_embedded_cluster_of_another_version(ground: Ground, tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.6'\n")
    program.chmod(0o755)
    ground.values |= {"database": "postgres", "postgres_bin_dir": tmp_path}
    ground.check()
    ground.layout.postgres_data.mkdir(parents=True)
    (ground.layout.postgres_data / "PG_VERSION").write_text("15\n")
    (line,) = ground.mistakes()
    assert "is of PostgreSQL 15, and the programs are of 17" in line
