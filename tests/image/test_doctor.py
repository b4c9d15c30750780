"""`zoe doctor` in the real thing: silent where all is well, and right about what is not."""

from __future__ import annotations

import json
from typing import Any

from tests.support import runs
from tests.support.container import Container, docker, eventually, run_to_the_end, running, volume

DOCTOR = ("zoe", "doctor")


def findings(container: Container, *words: str) -> list[dict[str, Any]]:
    """Return what is not well."""
    told = json.loads(container.exec(*DOCTOR, "--json", *words, check=False))
    return [finding for finding in told["findings"] if finding["level"] != "ok"]


def reasons(container: Container) -> str:
    """Return why runs are late, by the doctor's word."""
    return " ".join(f["what"] for f in findings(container) if f["check"] == "late runs")


def test_nothing_is_found_in_a_healthy_appliance() -> None:
    with running("--env=ZOE_DATABASE=postgres") as container:
        container.wait_healthy()
        eventually(lambda: findings(container) == [], what="no findings")
        told = json.loads(container.exec(*DOCTOR, "--json"))
    assert told["well"] is True
    checks = {finding["check"] for finding in told["findings"]}
    assert {"settings", "disk", "clock", "database", "schema", "port", "programs"} <= checks
    assert {"workers", "late runs", "running runs", "services", "backup", "versions"} <= checks
    assert any("its pages are sound" in finding["what"] for finding in told["findings"])


def test_what_is_wrong_is_named_with_its_remedy() -> None:
    with volume() as data, running(f"--volume={data}:/data") as container:
        container.wait_healthy()
        eventually(lambda: findings(container) == [], what="no findings")
        a_readable_password_is_closed_again(container)
        mistakes_in_settings_are_told(container)
        late_runs_have_a_reason(container)
        a_program_that_died_is_remembered(container)
        container.stop()
        done = run_to_the_end(f"--volume={data}:/data", command=["doctor"])
        assert done.exit_code == 1
        assert "Zoe is not running here" in done.output
        assert "prefect.db" in done.output


def a_readable_password_is_closed_again(container: Container) -> None:
    password = "/data/secrets/admin_password"
    container.exec("chmod", "644", password)
    (found,) = findings(container)
    assert found["check"] == "permissions"
    assert password in found["what"]
    assert found["fixable"] is True
    told = container.exec(*DOCTOR, "--fix")
    assert f"mended: set the mode of {password} to 0600" in told
    assert container.exec("stat", "--format=%a", password).strip() == "600"
    assert container.exit_code_of(*DOCTOR) == 0


def mistakes_in_settings_are_told(container: Container) -> None:
    done = docker("exec", "--env=ZOE_PORT=http", container.name, *DOCTOR, check=False)
    assert done.returncode == 1
    assert "ZOE_PORT 'http'" in done.stdout
    assert "give a port number" in done.stdout
    assert "Traceback" not in done.stderr


def late_runs_have_a_reason(container: Container) -> None:
    with container.client() as client:
        container.exec("zoe", "worker", "drain")
        client.patch("work_pools/default", json={"is_paused": True}).raise_for_status()
        deployment = runs.deployments(client)["simple-print"]["id"]
        run = runs.create_run(client, deployment)
        eventually(lambda: "default is paused" in reasons(container), what="the paused pool")
        client.patch("work_pools/default", json={"is_paused": False}).raise_for_status()
        eventually(lambda: "drained by an operator" in reasons(container), what="the drain")
        container.exec("zoe", "worker", "resume")
        assert runs.finished(client, run)["type"] == "COMPLETED"
    eventually(lambda: findings(container) == [], what="no findings")


def a_program_that_died_is_remembered(container: Container) -> None:
    old = container.status()["programs"]["deployer"]["pid"]
    container.exec("sh", "-c", f"kill -9 {old}")
    eventually(
        lambda: container.status()["programs"]["deployer"]["pid"] not in {old, None},
        what="another deployer",
    )
    container.wait_healthy()
    told = container.exec(*DOCTOR, check=False)
    assert "deployer ended" in told
    assert "zoe logs deployer" in told
