"""The ways in which people run it: other users, TLS, sub-paths, databases, an extra worker."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest

from tests.support import certificates, runs
from tests.support.container import IMAGE, Container, eventually, network, running


def run_something(container: Container) -> None:
    """See a flow run through to its end."""
    with container.client() as client:
        run = runs.create_run(client, runs.deployments(client)["simple-print"]["id"])
        assert runs.finished(client, run)["type"] == "COMPLETED"


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_any_user(engine: str) -> None:
    with running("--user=12345:12345", f"--env=ZOE_DATABASE={engine}") as container:
        container.wait_healthy()
        run_something(container)
        assert container.exec("stat", "-c", "%u %a", "/data/secrets").split() == ["12345", "700"]
        # ssh and initdb, among others, refuse a user without a name.
        assert container.exec("whoami").strip() == "zoe"


def test_plain_docker_run_without_hardening() -> None:
    with running(hardened=False) as container:
        container.wait_healthy()
        run_something(container)


def test_a_given_password_and_user() -> None:
    with running("--env=ZOE_ADMIN_USER=me", "--env=ZOE_ADMIN_PASSWORD=pass:word") as container:
        container.wait_healthy()
        url = f"{container.url}/api/deployments/count"
        assert httpx.post(url, auth=("me", "pass:word"), json={}).json() == 5
        assert httpx.post(url, auth=("admin", "pass:word"), json={}).status_code == 401
        assert container.exit_code_of("test", "-e", "/data/secrets/admin_password") != 0


def test_authentication_off() -> None:
    with running("--env=ZOE_AUTH=false") as container:
        container.wait_healthy()
        assert httpx.post(f"{container.url}/api/deployments/count", json={}).json() == 5


def test_settings_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "zoe.toml"
    file.write_text('worker_limit = 3\nworker_name = "mine"\n', encoding="utf-8")
    tmp_path.chmod(0o755)
    with running(f"--volume={file}:/etc/zoe/zoe.toml:ro", "--env=ZOE_WORKER_LIMIT=4") as container:
        container.wait_healthy()
        shown = container.exec("zoe", "config", "show")
        assert "worker_limit" in shown
        assert "4  (ZOE_WORKER_LIMIT in the environment)" in shown
        assert "mine  (/etc/zoe/zoe.toml)" in shown
        run_something(container)


def test_tls(tmp_path: Path) -> None:
    certificates.write(tmp_path, "server")
    with running(
        f"--volume={tmp_path}:/tls:ro",
        "--env=ZOE_TLS_CERT_FILE=/tls/server.crt",
        "--env=ZOE_TLS_KEY_FILE=/tls/server.key",
        scheme="https",
    ) as container:
        container.wait_healthy()
        context = ssl.create_default_context(cafile=str(tmp_path / "server.crt"))
        with httpx.Client(verify=context) as client:
            assert client.get(f"{container.url}/api/health").json() is True
            settings = client.get(f"{container.url}/ui-settings").json()
        assert settings["api_url"] == f"{container.url}/api"
        run_something(container)


def test_the_ui_asks_the_api_where_the_browser_came_from(appliance: Container) -> None:
    url = f"{appliance.url}/ui-settings"
    assert httpx.get(url).json()["api_url"] == f"{appliance.url}/api"
    other = httpx.get(url, headers={"Host": "jobs.example.org"})
    assert other.json()["api_url"] == "http://jobs.example.org/api"
    proxied = httpx.get(
        url, headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "jobs.example.org"}
    )
    assert proxied.json()["api_url"] == "https://jobs.example.org/api"


def test_a_public_url_below_a_path() -> None:
    with running(
        "--env=ZOE_PUBLIC_URL=https://example.org/prefect", base_path="/prefect"
    ) as container:
        container.wait_healthy()
        origin = container.url.removesuffix("/prefect")
        for kept_or_stripped in (f"{origin}/prefect", origin):
            settings = httpx.get(f"{kept_or_stripped}/ui-settings").json()
            assert settings["api_url"] == "https://example.org/prefect/api"
            assert httpx.get(f"{kept_or_stripped}/api/health").json() is True
        page = httpx.get(
            f"{origin}/prefect/", headers={"Accept": "text/html"}, follow_redirects=True
        )
        assert page.status_code == 200
        assert "/prefect/" in page.text
        run_something(container)


def test_an_external_postgres_and_an_extra_worker() -> None:
    serve = (
        "initdb -D /tmp/pg -U zoe --auth=trust >/dev/null && "
        "echo 'host all all all trust' >> /tmp/pg/pg_hba.conf && "
        "exec postgres -D /tmp/pg -c listen_addresses='*' -c unix_socket_directories=/tmp"
    )
    with (
        network() as net,
        running(
            f"--network={net}",
            "--network-alias=db",
            "--entrypoint=sh",
            "--env=PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin",
            command=["-c", serve],
        ) as database,
    ):
        eventually(
            lambda: (
                database.exit_code_of(
                    "psql",
                    "-h",
                    "127.0.0.1",
                    "-U",
                    "zoe",
                    "-d",
                    "postgres",
                    "-c",
                    "CREATE DATABASE p",
                )
                == 0
            ),
            what="a Postgres of the operator's own",
        )
        with running(
            f"--network={net}",
            "--network-alias=zoe",
            "--env=ZOE_DATABASE=postgresql://zoe@db:5432/p?sslmode=disable",
            "--env=ZOE_COMPONENTS=server,deployer",
            "--env=ZOE_ADMIN_PASSWORD=together",
        ) as server:
            server.wait_healthy()
            with running(
                f"--network={net}",
                "--env=ZOE_COMPONENTS=worker",
                "--env=ZOE_API_URL=http://zoe:4200/api",
                "--env=ZOE_ADMIN_PASSWORD=together",
                "--env=ZOE_WORKER_NAME=extra",
            ) as worker:
                worker.wait_healthy()
                assert list(worker.status()["programs"]) == ["worker"]
                eventually(lambda: "flow runs start warm" in worker.logs(), what="a template")
                with httpx.Client(
                    base_url=f"{server.url}/api", auth=("admin", "together"), timeout=60
                ) as client:
                    run = runs.create_run(client, runs.deployments(client)["simple-print"]["id"])
                    assert runs.finished(client, run)["type"] == "COMPLETED"
                    workers = client.post("work_pools/default/workers/filter", json={}).json()
                assert [found["name"] for found in workers] == ["extra"]
                assert "starts cold" not in worker.logs()


def test_the_version_is_told_and_the_image_is_lean(appliance: Container) -> None:
    assert "prefect 3." in appliance.exec("zoe", "version")
    assert appliance.inspect("{{.Config.Image}}") == IMAGE
