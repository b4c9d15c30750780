"""Safe as it comes: who may do what, and where no secret may be found."""

from __future__ import annotations

import json

import httpx
import pytest
import websockets.exceptions
from websockets.sync.client import connect

from tests.support.container import Container, docker

WEBSOCKETS = ("events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled")


@pytest.mark.parametrize(
    "route",
    [
        ("POST", "deployments/filter"),
        ("POST", "flow_runs/filter"),
        ("GET", "metrics"),
        ("GET", "admin/settings"),
        ("POST", "block_documents/filter"),
    ],
)
def test_without_the_password_the_api_answers_401(
    appliance: Container, route: tuple[str, str]
) -> None:
    with appliance.client(authenticated=False) as client:
        assert client.request(*route, json={}).status_code == 401
    with httpx.Client(auth=("admin", "guess")) as client:
        url = f"{appliance.url}/api/{route[1]}"
        assert client.request(route[0], url, json={}).status_code == 401


@pytest.mark.parametrize("path", WEBSOCKETS)
def test_a_websocket_without_the_password_is_refused_at_the_handshake(
    appliance: Container, path: str
) -> None:
    url = f"ws://127.0.0.1:{appliance.port}/api/{path}"
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal, connect(url):
        pass
    assert refusal.value.response.status_code == 401


@pytest.mark.parametrize("path", WEBSOCKETS)
def test_a_websocket_with_a_wrong_password_is_closed(appliance: Container, path: str) -> None:
    url = f"ws://127.0.0.1:{appliance.port}/api/{path}"
    with connect(url, subprotocols=["prefect"]) as socket:  # type: ignore[list-item] # a NewType of str
        socket.send(json.dumps({"type": "auth", "token": "admin:guess"}))
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closing:
            socket.recv(timeout=60)
    assert closing.value.rcvd is not None
    assert closing.value.rcvd.code == 1008


def test_a_websocket_with_the_password_is_served(appliance: Container) -> None:
    url = f"ws://127.0.0.1:{appliance.port}/api/events/out"
    with connect(url, subprotocols=["prefect"]) as socket:  # type: ignore[list-item] # a NewType of str
        token = f"admin:{appliance.password()}"
        socket.send(json.dumps({"type": "auth", "token": token}))
        assert json.loads(socket.recv(timeout=60))["type"] == "auth_success"


def test_metrics_are_there_with_the_password(api: httpx.Client) -> None:
    assert "python_info" in api.get("metrics").raise_for_status().text


def test_secrets_are_for_their_owner_alone(appliance: Container) -> None:
    modes = appliance.exec(
        "stat",
        "-c",
        "%a %n",
        "/data/secrets",
        "/data/secrets/admin_password",
        "/data/secrets/encryption_key",
    )
    assert [line.split()[0] for line in modes.splitlines()] == ["700", "600", "600"]


def test_secrets_are_in_no_log_argv_or_world_readable_file(appliance: Container) -> None:
    secrets = [
        appliance.exec("cat", f"/data/secrets/{name}").strip()
        for name in ("admin_password", "encryption_key")
    ]
    everything = [
        appliance.logs(),
        docker("inspect", appliance.name).stdout,
        appliance.exec("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
        appliance.exec("zoe", "config", "show", "--json"),
        appliance.exec("zoe", "status", "--json"),
        appliance.exec("sh", "-c", "cat /tmp/zoe/*.json /tmp/zoe/*.conf"),
    ]
    for place, text in enumerate(everything):
        for secret in secrets:
            assert secret not in text, f"place {place}"
    readable_by_others = appliance.exec(
        "sh", "-c", "find /data /tmp -type f -perm /044 -not -path '/data/ui/*'"
    )
    assert readable_by_others == ""


def test_the_encryption_key_is_not_in_the_database(appliance: Container, api: httpx.Client) -> None:
    answer = api.get("block_types/slug/secret").raise_for_status().json()
    schema = api.post(
        "block_schemas/filter",
        json={"block_schemas": {"block_type_id": {"any_": [answer["id"]]}}},
    ).json()[0]
    document = {
        "name": "for-the-test",
        "block_type_id": answer["id"],
        "block_schema_id": schema["id"],
        "data": {"value": "clear-text-of-the-test"},
    }
    made = api.post("block_documents/", json=document).raise_for_status().json()
    found = api.get(f"block_documents/{made['id']}", params={"include_secrets": True}).json()
    assert found["data"]["value"] == "clear-text-of-the-test"
    key = appliance.exec("cat", "/data/secrets/encryption_key").strip()
    for secret in ("clear-text-of-the-test", key):
        count = appliance.exec(
            "sh", "-c", f"grep -c -a -- '{secret}' /data/database/* | cut -d: -f2 | sort -u"
        )
        assert count.split() == ["0"]


def test_every_process_is_unprivileged(appliance: Container) -> None:
    status = appliance.exec(
        "sh", "-c", "grep -hE '^(Uid|CapEff|CapBnd|NoNewPrivs)' /proc/[0-9]*/status"
    )
    found: dict[str, set[str]] = {}
    for line in status.splitlines():
        name, *values = line.split()
        found.setdefault(name, set()).update(values)
    assert found["CapEff:"] == found["CapBnd:"] == {"0000000000000000"}
    assert found["NoNewPrivs:"] == {"1"}
    assert found["Uid:"] == {"10001"}


def test_nothing_is_setuid_and_the_root_is_read_only(appliance: Container) -> None:
    assert appliance.exec("sh", "-c", "find / -xdev -perm /6000 -type f 2>/dev/null || true") == ""
    assert appliance.exit_code_of("touch", "/opt/zoe/x") != 0


def test_no_telemetry_and_no_promotion(api: httpx.Client) -> None:
    server = api.get("admin/settings").raise_for_status().json()["server"]
    assert server["analytics_enabled"] is False
    assert server["ui"]["show_promotional_content"] is False


def test_orphans_are_reaped(appliance: Container) -> None:
    appliance.exec("sh", "-c", "(sleep 0.2 &) ; exit 0")
    states = appliance.exec("sh", "-c", "sleep 1; grep -h '^State' /proc/[0-9]*/status")
    assert "Z (zombie)" not in states
