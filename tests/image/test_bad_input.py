"""Every mistake of the operator: one line, exit code 2, soon, and nothing started or changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import certificates
from tests.support.container import Finished, run_to_the_end, running, volume

# The five seconds, and what Docker itself takes to set up and remove a container.
BOUND_SECONDS = 5.0
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def docker_seconds() -> float:
    """Return what a container that does nothing takes, so that only Zoe's part is judged."""
    return run_to_the_end("--entrypoint=true").seconds


@pytest.fixture
def data() -> Iterator[str]:
    with volume() as name:
        yield name


def refused(*arguments: str, data: str, docker_seconds: float, within: str = "run") -> str:
    """Run with a mistake; return the one line after the checks that hold for every mistake."""
    done: Finished = run_to_the_end(f"--volume={data}:/data", *arguments, command=[within])
    assert done.exit_code == 2, done.output
    lines = done.output.strip().splitlines()
    assert len(lines) == 1, done.output
    assert lines[0].startswith("zoe: ")
    assert "Traceback" not in done.output
    assert done.seconds - docker_seconds < BOUND_SECONDS
    content = run_to_the_end(f"--volume={data}:/data", "--entrypoint=find", command=["/data"])
    assert content.output.split() == ["/data"], "something was changed"
    return lines[0]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (["ZOE_DATABSE=sqlite"], ["ZOE_DATABSE", "not a setting", "did you mean ZOE_DATABASE?"]),
        (["ZOE_PORT=http"], ["ZOE_PORT", "'http'", "environment", "1 to 65535"]),
        (["ZOE_WORKER_LIMIT=many"], ["ZOE_WORKER_LIMIT", "'many'", "whole number"]),
        (["ZOE_AUTH=perhaps"], ["ZOE_AUTH", "'perhaps'", "true or false"]),
        (["ZOE_COMPONENTS=server,cook"], ["ZOE_COMPONENTS", "worker"]),
        (
            ["ZOE_ADMIN_PASSWORD=a", "ZOE_ADMIN_PASSWORD_FILE=/tmp/x"],
            ["ZOE_ADMIN_PASSWORD", "ZOE_ADMIN_PASSWORD_FILE", "both"],
        ),
        (["ZOE_ADMIN_PASSWORD_FILE=/no/such"], ["/no/such", "ZOE_ADMIN_PASSWORD_FILE"]),
        (["ZOE_CONFIG=/no/such.toml"], ["/no/such.toml", "ZOE_CONFIG"]),
        (["ZOE_DATABASE=mysql://a/b"], ["ZOE_DATABASE", "postgresql://"]),
        (["ZOE_DATABASE=postgresql://u:p@h:port/b"], ["ZOE_DATABASE", "well-formed"]),
        (
            ["ZOE_DATABASE=postgresql://u:hidden@127.0.0.1:1/b"],
            ["127.0.0.1:1", "ZOE_DATABASE", "refused"],
        ),
        (
            ["ZOE_DATABASE=postgres", "ZOE_POSTGRES_BIN_DIR=/no/bin"],
            ["/no/bin", "ZOE_POSTGRES_BIN_DIR"],
        ),
        (["ZOE_TLS_CERT_FILE=/tmp/cert.pem"], ["ZOE_TLS_CERT_FILE", "ZOE_TLS_KEY_FILE"]),
        (
            ["ZOE_TLS_CERT_FILE=/etc/hostname", "ZOE_TLS_KEY_FILE=/etc/hostname"],
            ["ZOE_TLS_CERT_FILE", "cannot be used"],
        ),
        (["ZOE_API_URL=http://other:4200/api"], ["ZOE_API_URL", "ZOE_COMPONENTS"]),
        (
            ["ZOE_COMPONENTS=worker", "ZOE_API_URL=http://other:4200/api"],
            ["password", "ZOE_ADMIN_PASSWORD"],
        ),
        (["PREFECT_API_URL=http://x/api"], ["PREFECT_API_URL", "ZOE_API_URL"]),
    ],
    ids=lambda value: (
        value[0].split("=")[0] + "=" + value[0].split("=")[-1]
        if isinstance(value, list) and "=" in value[0]
        else ""
    ),
)
def test_setting(variables: list[str], said: list[str], data: str, docker_seconds: float) -> None:
    arguments = [f"--env={variable}" for variable in variables]
    line = refused(*arguments, data=data, docker_seconds=docker_seconds)
    assert all(word in line for word in said), line
    assert "hidden" not in line, "a secret was said"


def test_unknown_key_in_the_configuration_file(
    data: str, docker_seconds: float, tmp_path: Path
) -> None:
    file = tmp_path / "zoe.toml"
    file.write_text("worker_limt = 3\n", encoding="utf-8")
    line = refused(
        f"--volume={file}:/etc/zoe/zoe.toml:ro", data=data, docker_seconds=docker_seconds
    )
    assert "worker_limt is not a setting" in line
    assert "/etc/zoe/zoe.toml" in line
    assert "did you mean worker_limit?" in line


def test_configuration_file_that_is_not_toml(
    data: str, docker_seconds: float, tmp_path: Path
) -> None:
    file = tmp_path / "zoe.toml"
    file.write_text("worker_limit 3\n", encoding="utf-8")
    line = refused(
        f"--volume={file}:/etc/zoe/zoe.toml:ro", data=data, docker_seconds=docker_seconds
    )
    assert "not valid TOML" in line
    assert "line 1" in line


def test_unreadable_secret_file(data: str, docker_seconds: float, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret", encoding="utf-8")
    file.chmod(0o000)
    line = refused(
        f"--volume={file}:/run/secrets/password:ro",
        "--env=ZOE_ADMIN_PASSWORD_FILE=/run/secrets/password",
        data=data,
        docker_seconds=docker_seconds,
    )
    assert "/run/secrets/password" in line
    assert "Permission denied" in line


def test_port_in_use(data: str, docker_seconds: float) -> None:
    listener = (
        "import socket, time; s = socket.socket(); s.bind(('', 4200)); s.listen(); time.sleep(600)"
    )
    with running("--entrypoint=python3", command=["-c", listener], hardened=False) as occupied:
        line = refused(
            f"--network=container:{occupied.name}", data=data, docker_seconds=docker_seconds
        )
    assert "port 4200" in line
    assert "in use" in line
    assert "ZOE_PORT" in line


def test_data_volume_that_cannot_be_written(docker_seconds: float, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # owned by root, who runs the tests
    done = run_to_the_end(f"--volume={tmp_path}:/data")
    assert done.exit_code == 2, done.output
    assert len(done.output.strip().splitlines()) == 1
    assert "/data" in done.output
    assert "chown" in done.output
    assert list(tmp_path.iterdir()) == []
    assert done.seconds - docker_seconds < BOUND_SECONDS


def test_data_volume_on_a_read_only_mount(docker_seconds: float, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    done = run_to_the_end(f"--volume={tmp_path}:/data:ro")
    assert done.exit_code == 2, done.output
    assert "/data" in done.output
    assert done.seconds - docker_seconds < BOUND_SECONDS


def test_data_of_another_user(data: str, docker_seconds: float) -> None:
    run_to_the_end(f"--volume={data}:/data", "--entrypoint=mkdir", command=["/data/secrets"])
    done = run_to_the_end(f"--volume={data}:/data", "--user=12345:12345")
    assert done.exit_code == 2, done.output
    assert "belongs to uid 10001" in done.output
    assert "--user 10001" in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert done.seconds - docker_seconds < BOUND_SECONDS


def test_data_of_a_newer_zoe(data: str, docker_seconds: float) -> None:
    stamp = json.dumps({"zoe": "99.1.0"})
    run_to_the_end(
        f"--volume={data}:/data",
        "--entrypoint=sh",
        command=["-c", f"echo '{stamp}' > /data/zoe.json"],
    )
    done = run_to_the_end(f"--volume={data}:/data")
    assert done.exit_code == 2, done.output
    assert "99.1.0" in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert done.seconds - docker_seconds < BOUND_SECONDS


def test_data_that_another_zoe_uses(data: str, docker_seconds: float) -> None:
    with running(f"--volume={data}:/data") as first:
        first.wait_healthy()
        done = run_to_the_end(f"--volume={data}:/data")
        assert done.exit_code == 2, done.output
        assert "another Zoe uses the data in /data" in done.output
        assert len(done.output.strip().splitlines()) == 1
        assert done.seconds - docker_seconds < BOUND_SECONDS
        assert first.exit_code_of("zoe", "health") == 0


def test_certificate_with_a_foreign_key(data: str, docker_seconds: float, tmp_path: Path) -> None:
    certificates.write(tmp_path, "one")
    certificates.write(tmp_path, "two")
    line = refused(
        f"--volume={tmp_path}:/tls:ro",
        "--env=ZOE_TLS_CERT_FILE=/tls/one.crt",
        "--env=ZOE_TLS_KEY_FILE=/tls/two.key",
        data=data,
        docker_seconds=docker_seconds,
    )
    assert "key values mismatch" in line


def test_config_check_refuses_alike(data: str) -> None:
    done = run_to_the_end(f"--volume={data}:/data", "--env=ZOE_PORT=0", command=["config", "check"])
    assert done.exit_code == 2
    assert "ZOE_PORT" in done.output


def test_several_mistakes_are_told_at_once() -> None:
    done = run_to_the_end("--env=ZOE_PORT=0", "--env=ZOE_WORKER_LIMIT=0", "--env=ZOE_NOPE=1")
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 3


def test_an_unknown_verb_and_help() -> None:
    assert run_to_the_end(command=["rum"]).exit_code == 2
    helped = run_to_the_end(command=["--help"])
    assert helped.exit_code == 0
    assert "config" in helped.output
