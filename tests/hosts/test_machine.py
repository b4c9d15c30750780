"""One machine, whatever made it: the image, a role, a VM.

pytest tests/hosts --hosts=docker://CONTAINER                      # a container of the image
pytest tests/hosts --ansible-inventory=inventory.yml --hosts=ansible://all
"""

from __future__ import annotations

import re

import pytest

from tests.support.machine import Machine, eventually

SHIPPED = "simple-print-flow/simple-print"


def test_every_program_of_its_components_does_its_work(machine: Machine) -> None:
    status = machine.status()
    assert status["healthy"]
    wanted = set(machine.setting("components").split(","))
    if status["database"] != "postgres":
        wanted.discard("database")
    if machine.has_server:
        wanted.add("maintenance")
    assert set(status["programs"]) == wanted
    assert all(program["ready"] for program in status["programs"].values())


def test_no_program_is_roots(machine: Machine) -> None:
    for program in machine.status()["programs"].values():
        lines = machine.host.file(f"/proc/{program['pid']}/status").content_string
        uids = re.search(r"^Uid:\s+(\d+)\s+(\d+)", lines, re.MULTILINE)
        assert uids
        assert "0" not in uids.groups()


def test_the_server_asks_for_the_password(machine: Machine) -> None:
    assert machine.request("GET", "/admin/version", authenticated=False).status == 401
    assert (
        machine.request("GET", "/admin/version").json() == machine.status()["versions"]["prefect"]
    )


def test_the_shipped_project_is_deployed(machine: Machine) -> None:
    if not machine.has_server:
        pytest.skip("a worker deploys nothing")
    deployer = machine.status()["deployer"]
    assert SHIPPED in deployer["deployments"]
    assert deployer["problems"] == []


def test_a_shipped_flow_runs_to_its_end(machine: Machine) -> None:
    run = machine.run_to_its_end(SHIPPED)
    assert run["state"]["type"] == "COMPLETED", run["state"]


def test_its_worker_is_online(machine: Machine) -> None:
    name = machine.setting("worker_name") or machine.host.check_output("uname -n")
    pool = machine.setting("work_pool")

    def online() -> bool:
        workers = machine.request("POST", f"/work_pools/{pool}/workers/filter", {}).json()
        return name in {one["name"] for one in workers if one["status"] == "ONLINE"}

    eventually(online, f"{name} online in {pool}")


def test_settings_are_readable_to_zoe_and_secrets_to_nobody_else(machine: Machine) -> None:
    data = machine.host.file(machine.setting("data_dir"))
    secrets = [f"{data.path}/secrets"]
    if machine.host.file("/etc/zoe/zoe.toml").exists:
        assert data.mode == 0o700
        assert machine.host.file("/etc/zoe/zoe.toml").mode == 0o640
        secrets.append("/etc/zoe/secrets")
    for directory in secrets:
        if machine.host.file(directory).exists:
            assert machine.host.file(directory).mode == 0o700
            for name in machine.host.file(directory).listdir():
                assert machine.host.file(f"{directory}/{name}").mode == 0o600
