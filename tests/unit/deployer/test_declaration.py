from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from appliance.deployer.declaration import CatalogueFile, Deployment, Schedule

MINIMAL: dict[str, Any] = {"name": "d", "entrypoint": "flow.py:f"}


def messages(model: type[Deployment | Schedule], value: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return "; ".join(f"{detail['loc']} {detail['msg']}" for detail in caught.value.errors())


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ({"cron": "0 8 * * 1-5"}, {"cron": "0 8 * * 1-5", "timezone": "UTC", "day_or": True}),
        (
            {"cron": "@daily", "timezone": "Europe/Berlin", "day_or": False},
            {"cron": "@daily", "timezone": "Europe/Berlin", "day_or": False},
        ),
        ({"interval": 90}, {"interval": 90.0, "timezone": "UTC"}),
        ({"interval": "PT1H"}, {"interval": 3600.0, "timezone": "UTC"}),
        (
            {"interval": 60, "timezone": "Europe/Berlin", "anchor_date": "2026-07-01T08:00:00"},
            {
                "interval": 60.0,
                "timezone": "Europe/Berlin",
                "anchor_date": "2026-07-01T08:00:00+02:00",
            },
        ),
        (
            {"interval": 60, "anchor_date": "2026-07-01T08:00:00-05:00"},
            {"interval": 60.0, "timezone": "UTC", "anchor_date": "2026-07-01T08:00:00-05:00"},
        ),
        ({"rrule": "FREQ=DAILY"}, {"rrule": "FREQ=DAILY", "timezone": "UTC"}),
    ],
)
def test_each_kind_of_schedule(value: dict[str, Any], rule: dict[str, Any]) -> None:
    assert Schedule.model_validate(value).rule() == rule


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"cron": "0 25 * * *"}, "'0 25 * * *' is not a cron expression"),
        ({"cron": "daily"}, "'daily' is not a cron expression"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "'Mars/Olympus' is not a time zone"),
        ({"cron": "* * * * *", "timezone": "../../etc/passwd"}, "is not a time zone"),
        ({"interval": 0}, "is not a positive number of seconds"),
        ({"interval": -5}, "is not a positive number of seconds"),
        ({"interval": "soon"}, "interval"),
        ({}, "exactly one of cron, interval and rrule"),
        ({"cron": "* * * * *", "interval": 5}, "exactly one of cron, interval and rrule"),
        ({"cron": "* * * * *", "timezon": "UTC"}, "timezon"),
    ],
)
def test_wrong_schedule(value: dict[str, Any], words: str) -> None:
    assert words in messages(Schedule, value)


def test_slug_follows_from_the_rule_unless_it_is_given() -> None:
    hourly = Schedule(cron="0 * * * *")
    assert hourly.identity() == Schedule(cron="0 * * * *", active=False).identity()
    assert hourly.identity() == Schedule(cron="0 * * * *", timezone="UTC").identity()
    assert hourly.identity() != Schedule(cron="1 * * * *").identity()
    assert Schedule(cron="0 * * * *", slug="mine").identity() == "mine"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"entrypoint": "flow.py"}, "not of the form path/to/file.py:function"),
        ({"entrypoint": ":f"}, "not of the form path/to/file.py:function"),
        ({"entrypoint": "../other/flow.py:f"}, "leaves the project"),
        ({"entrypoint": "/srv/flow.py:f"}, "leaves the project"),
        ({"env": {"A-B": "x"}}, "no name of an environment variable"),
        ({"env": {"A": ["x"]}}, "('env', 'A')"),
        ({"env": {"A": "x"}, "secret_env": {"A": "x"}}, "has 'A' in both env and secret_env"),
        ({"name": ""}, "at least 1 character"),
        ({"name": "a/b"}, "holds one of / %"),
        ({"flow_name": "a%b"}, "holds one of / %"),
        ({"tag": ["x"]}, "tag"),
        ({"build": [{"prefect_docker": {}}]}, "is not carried out by Zoe's deployer"),
        ({"triggers": [{"type": "event"}]}, "use `prefect deploy` for it"),
        ({"concurrency_limit": 0}, "('concurrency_limit', 'limit') Input should be greater than 0"),
        ({"concurrency_limit": "many"}, "('concurrency_limit', 'limit')"),
        (
            {"concurrency_limit": {"limit": 1, "collision_strategy": "QUEUE"}},
            "is neither ENQUEUE nor CANCEL_NEW",
        ),
        (
            {"schedule": {"interval": 5}, "schedules": [{"interval": 6}]},
            "has both schedule and schedules",
        ),
        ({"schedules": [{"interval": 5}, {"interval": 5}]}, "has two schedules with one slug"),
    ],
)
def test_wrong_deployment(extra: dict[str, Any], words: str) -> None:
    found = messages(Deployment, {**MINIMAL, **extra})
    assert words in found
    # One mistake, one message.
    assert found.count("; ") == found.count("Zoe's deployer; ") + found.count("schedules; ")


def test_empty_steps_of_other_tools_are_accepted() -> None:
    # `prefect init` writes them.
    Deployment.model_validate({**MINIMAL, "build": None, "push": [], "triggers": []})


def test_pull_may_be_one_step_or_several() -> None:
    step = {"prefect.deployments.steps.set_working_directory": {"directory": "/p"}}
    assert Deployment.model_validate({**MINIMAL, "pull": step}).pull == [step]
    assert Deployment.model_validate({**MINIMAL, "pull": [step, step]}).pull == [step, step]
    assert Deployment.model_validate({**MINIMAL, "pull": []}).pull == []
    assert Deployment.model_validate(MINIMAL).pull is None


def test_limit_as_a_number_or_in_full() -> None:
    short = Deployment.model_validate({**MINIMAL, "concurrency_limit": 3}).concurrency_limit
    long = Deployment.model_validate(
        {**MINIMAL, "concurrency_limit": {"limit": 3, "collision_strategy": "CANCEL_NEW"}}
    ).concurrency_limit
    assert short
    assert long
    assert (short.limit, short.collision_strategy) == (3, None)
    assert (long.limit, long.collision_strategy) == (3, "CANCEL_NEW")


def test_file_keys_of_prefect_deploy_are_known() -> None:
    content = CatalogueFile.model_validate(
        {"name": "project", "prefect-version": "3.8.8", "deployments": [], "definitions": {"a": 1}}
    )
    assert content.prefect_version == "3.8.8"


def test_what_runs_are_started_with() -> None:
    given = Deployment.model_validate(
        {
            **MINIMAL,
            "work_pool": {"job_variables": {"env": {"A": "1", "B": "1"}, "stream_output": False}},
            "env": {"B": "2", "PORT": 8080, "ON": True},
            "secret_env": {"PASSWORD": "db-password"},
            "image": "etl:3",
        }
    )
    assert given.job_variables == {
        "stream_output": False,
        "env": {
            "A": "1",
            "B": "2",
            "PORT": "8080",
            "ON": "true",
            "PASSWORD": "{{ prefect.blocks.secret.db-password }}",
        },
        "image": "etl:3",
    }
    assert Deployment.model_validate(MINIMAL).job_variables == {}


def test_a_secret_in_the_place_of_its_name_is_not_repeated() -> None:
    found = messages(Deployment, {**MINIMAL, "secret_env": {"PASSWORD": "Hidden!"}})
    assert "needs for 'PASSWORD' the name of a block of type Secret" in found
    assert "Hidden" not in found


def test_parameters_that_nobody_wants_checked() -> None:
    given = {**MINIMAL, "parameters": {"x": 1}}
    assert Deployment.model_validate(given).checked_parameters == {"x": 1}
    unchecked = Deployment.model_validate({**given, "enforce_parameter_schema": False})
    assert unchecked.checked_parameters == {}
