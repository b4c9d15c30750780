"""The command `zoe` in a running container."""

from __future__ import annotations

import json
import subprocess

from tests.support.container import Container, docker, eventually


def test_logs_are_the_stream_of_docker_logs(appliance: Container) -> None:
    told = appliance.exec("zoe", "logs", "--lines=100000").splitlines()
    streamed = appliance.logs().splitlines()
    assert told[:20] == streamed[:20]
    programs = {line.partition("|")[0].strip() for line in told}
    assert {"zoe", "conductor", "deployer", "worker"} <= programs


def test_logs_of_one_program_and_a_limit(appliance: Container) -> None:
    lines = appliance.exec("zoe", "logs", "conductor", "--lines=2").splitlines()
    assert len(lines) == 2
    assert all(line.startswith("conductor  | ") for line in lines)


def test_logs_follow(appliance: Container) -> None:
    follower = subprocess.Popen(
        ["docker", "exec", appliance.name, "zoe", "logs", "worker", "-f", "-n", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with appliance.client() as client:
            deployments = client.post("deployments/filter", json={}).json()
            shell = next(d for d in deployments if d["name"] == "run-shell-command")
            parameters = {"command": "echo followed-$((40 + 2))"}
            client.post(
                f"deployments/{shell['id']}/create_flow_run", json={"parameters": parameters}
            ).raise_for_status()
        assert follower.stdout is not None
        assert any("followed-42" in line for line in follower.stdout)
    finally:
        follower.kill()
        follower.wait()
        assert follower.stdout is not None
        follower.stdout.close()


def test_status_for_people_and_for_machines(appliance: Container) -> None:
    told = appliance.exec("zoe", "status")
    assert "healthy" in told
    assert "/data/secrets/admin_password" in told
    found = json.loads(appliance.exec("zoe", "status", "--json"))
    assert found["healthy"] is True
    assert list(found["programs"]) == ["server", "deployer", "worker", "maintenance"]
    assert all(program["ready"] for program in found["programs"].values())
    assert len(found["deployer"]["deployments"]) == 5


def test_config_show_masks_secrets_and_tells_where_values_come_from(appliance: Container) -> None:
    found = json.loads(appliance.exec("zoe", "config", "show", "--json"))
    assert found["data_dir"] == {"value": "/data", "origin": "ZOE_DATA_DIR in the environment"}
    assert found["worker_limit"]["origin"] == "default"
    assert found["DO_NOT_TRACK"]["value"] == "1"
    assert appliance.exec("zoe", "config", "check").strip() == "the configuration is valid"


def test_docker_itself_sees_a_healthy_container(appliance: Container) -> None:
    eventually(
        lambda: appliance.inspect("{{.State.Health.Status}}") == "healthy", what="Docker's health"
    )


def test_an_unknown_verb_is_a_mistake(appliance: Container) -> None:
    done = docker("exec", appliance.name, "zoe", "frobnicate", check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
