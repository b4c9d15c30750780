"""From nothing to flow runs: what a person sees after one `docker run`."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import httpx
import pytest

from tests.support import runs
from tests.support.container import eventually

SCHEDULED = {"simple-print", "content-filenames-verification", "run-multiple-flows"}


def test_five_deployments_are_there_and_three_are_scheduled(api: httpx.Client) -> None:
    found = runs.deployments(api)
    assert set(found) == {*SCHEDULED, "run-shell-command", "create-file-on-windows"}
    every_five_minutes = {
        name
        for name, deployment in found.items()
        if [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["*/5 * * * *"]
    }
    assert every_five_minutes == SCHEDULED


@pytest.mark.parametrize(
    ("name", "parameters", "ending"),
    [
        ("simple-print", {}, "COMPLETED"),
        ("content-filenames-verification", {}, "COMPLETED"),
        ("run-multiple-flows", {}, "COMPLETED"),
        ("run-shell-command", {"command": "echo done"}, "COMPLETED"),
        ("create-file-on-windows", {}, "FAILED"),
    ],
)
def test_a_run_of_each_ends_as_it_should(
    api: httpx.Client, name: str, parameters: dict[str, str], ending: str
) -> None:
    run = runs.create_run(api, runs.deployments(api)[name]["id"], **parameters)
    final = runs.finished(api, run)
    assert final["type"] == ending, final
    if ending == "FAILED":
        assert "Windows" in final["message"]


def test_shell_output_arrives_line_by_line_while_it_runs(api: httpx.Client) -> None:
    command = "for i in 1 2 3 4 5 6; do echo tick-$i; sleep 2; done; echo oops >&2"
    run = runs.create_run(api, runs.deployments(api)["run-shell-command"]["id"], command=command)

    def ticks() -> list[dict[str, str]]:
        return [record for record in runs.logs(api, run) if "tick-" in record["message"]]

    eventually(lambda: ticks() and runs.state(api, run)["type"] == "RUNNING", what="a live line")
    assert len(ticks()) < 6, "the lines came all at once"
    assert runs.finished(api, run)["type"] == "COMPLETED"
    # Prefect sends what is left of the log when the process has ended.
    eventually(
        lambda: any("exit code" in record["message"] for record in runs.logs(api, run)),
        what="the last line",
    )
    assert len(ticks()) == 6
    times = [datetime.fromisoformat(record["timestamp"]) for record in ticks()]
    # As far apart as they were printed, but for the clock's grain.
    assert all((later - earlier).total_seconds() > 1.8 for earlier, later in pairwise(times))
    said = [record for record in runs.logs(api, run) if record["message"] == "oops"]
    assert [record["level"] for record in said] == [30], "standard error is a warning"


def test_a_failing_command_fails_its_run_and_says_why(api: httpx.Client) -> None:
    run = runs.create_run(
        api,
        runs.deployments(api)["run-shell-command"]["id"],
        command="echo the disk is full >&2; exit 7",
    )
    final = runs.finished(api, run)
    assert final["type"] == "FAILED"
    assert "7" in final["message"]
    assert "the disk is full" in final["message"]


def test_offending_file_names_fail_the_run_and_are_listed(api: httpx.Client) -> None:
    deployment = runs.deployments(api)["content-filenames-verification"]["id"]
    run = runs.create_run(api, deployment, rules={"max_length": 4})
    final = runs.finished(api, run)
    assert final["type"] == "FAILED"
    artifacts = api.post(
        "artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [run]}}}
    ).json()
    tables = [artifact["data"] for artifact in artifacts if artifact["type"] == "table"]
    assert len(tables) == 1
    assert "max_length" in tables[0]


def test_scheduled_runs_come_by_themselves(api: httpx.Client) -> None:
    found = runs.deployments(api)

    def completed_by_schedule() -> set[str]:
        answer = api.post(
            "flow_runs/filter",
            json={
                "flow_runs": {
                    "state": {"type": {"any_": ["COMPLETED"]}},
                    "tags": {"all_": ["auto-scheduled"]},
                }
            },
        ).json()
        ids = {run["deployment_id"] for run in answer}
        return {name for name, deployment in found.items() if deployment["id"] in ids}

    # The next full five minutes, and time to run.
    eventually(lambda: completed_by_schedule() >= SCHEDULED, within=420, what="scheduled runs")
