from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from deployments.deployments_utils import DeployError, Deployment, Schedule, read_deployments

PROJECT = Path(__file__).resolve().parents[3]


def read(root: Path) -> list[Deployment]:
    # No file here refers to a block or a variable, so nobody is asked: nobody listens there.
    client = PrefectClient("http://127.0.0.1:9/api")
    return asyncio.run(read_deployments(root, "deployments", client))


def read_text(tmp_path: Path, text: str) -> list[Deployment]:
    folder = tmp_path / "deployments"
    folder.mkdir()
    (folder / "some.yaml").write_text(text)
    return read(tmp_path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(DeployError) as error:
        read_text(tmp_path, text)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    return str(error.value)


def one(extra: str) -> str:
    return f"deployments:\n- name: a\n  entrypoint: f.py:f\n  work_pool: {{name: p}}\n  {extra}\n"


def test_the_shipped_files_declare_one_deployment_for_each_flow() -> None:
    declared = read(PROJECT)
    entrypoints = {deployment.entrypoint for deployment in declared}
    flows = {f"flows/{file.name}:{file.stem}" for file in (PROJECT / "flows").glob("*.py")}
    assert entrypoints == flows
    assert len(declared) == len({deployment.name for deployment in declared}) == 5
    assert all(deployment.description and deployment.tags for deployment in declared)
    assert {deployment.work_pool.name for deployment in declared} == {"default"}


def test_three_of_the_shipped_deployments_run_every_five_minutes() -> None:
    scheduled = {
        deployment.name: [(s.cron, s.timezone, s.slug) for s in deployment.all_schedules]
        for deployment in read(PROJECT)
        if deployment.all_schedules
    }
    every_five_minutes = [("*/5 * * * *", "UTC", "every-five-minutes")]
    assert scheduled == {
        "simple-print": every_five_minutes,
        "content-filenames-verification": every_five_minutes,
        "run-multiple-flows": every_five_minutes,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deployments: [", "deployments/some.yaml is not YAML"),
        ("- a\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("name: x\n", "deployments: Field required"),
        (one("scheduls: []"), "unknown key, did you mean 'schedules'?"),
        (one("zzz: 1"), "deployments.0.zzz: unknown key."),
        (one("tags: {a: b}"), "deployments.0.tags: Input should be a valid list"),
        (one("schedules: [{cron: '* *'}]"), "deployments.0.schedules.0"),
        (one("schedules: [{slug: x}]"), "exactly one of cron, interval and rrule"),
        (one("schedules: [{cron: '* * * * *', timezone: Mars/Base}]"), "Mars/Base"),
        (one("build: [{step: {}}]"), "'build' is not done here"),
        ("push: [{step: {}}]\n" + one(""), "'push' is not done here"),
        ("deployments:\n- name: a\n", "deployments.0.entrypoint: Field required"),
        (one("") + one("").removeprefix("deployments:\n"), "is in deployments/some.yaml already"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(
    tmp_path: Path, text: str, words: str
) -> None:
    message = refusal(tmp_path, text)
    assert words in message
    assert "deployments/some.yaml" in message


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"no .*yaml in the folder 'deployments'"):
        read(tmp_path)


def test_the_pull_section_gives_way_to_the_pull_from_git(tmp_path: Path) -> None:
    text = "prefect-version: 3.8.8\npull: [{a: {}}]\n" + one("pull: [{b: {}}]")
    assert [deployment.name for deployment in read_text(tmp_path, text)] == ["a"]


def test_placeholders_of_the_environment_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "test")
    [deployment] = read_text(tmp_path, one("tags: ['{{ $STAGE }}']"))
    assert deployment.tags == ["test"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"cron": "0 1 * * *", "timezone": "Europe/Berlin", "day_or": False}, CronSchedule),
        ({"interval": 600, "anchor_date": "2024-01-01T00:00:00Z"}, IntervalSchedule),
        ({"rrule": "FREQ=DAILY", "timezone": "UTC"}, RRuleSchedule),
    ],
)
def test_every_kind_of_schedule_is_understood(values: dict[str, object], kind: type) -> None:
    schedule = Schedule.model_validate(
        values | {"slug": "s", "active": False, "parameters": {"a": 1}}
    ).to_prefect()
    assert isinstance(schedule.schedule, kind)
    assert (schedule.slug, schedule.active, schedule.parameters) == ("s", False, {"a": 1})


def test_prefect_still_takes_what_this_route_gives_it() -> None:
    # A rename upstream shows here and not in somebody's pipeline.
    from prefect.deployments.runner import RunnerDeployment  # noqa: PLC0415

    known = inspect.signature(RunnerDeployment.afrom_storage).parameters
    assert {"storage", "entrypoint", "schedules", "job_variables", "triggers"} <= set(known)
