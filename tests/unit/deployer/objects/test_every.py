"""Every kind of object on a real server: made, left alone, changed, put back, removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.api import Api
from appliance.deployer import apply as applying
from appliance.deployer import preview
from appliance.deployer.catalogue import Item
from appliance.deployer.declaration import (
    Automation,
    BlockObject,
    GlobalLimit,
    Strict,
    TagLimit,
    Variable,
    WorkPoolObject,
)
from appliance.deployer.objects.blocks import id_of
from appliance.deployer.objects.every import desired, kinds
from appliance.deployer.objects.kind import Actual, Desired
from appliance.deployer.ownership import KEY, Store
from appliance.deployer.plan import Declarations, Holdings, Plan, plan
from appliance.deployer.reconcile import Planned
from appliance.errors import WorldError
from appliance.worker import pool
from tests.unit.conftest import RealServer
from tests.unit.deployer.builder import deployment, place
from tests.unit.deployer.watched_api import WatchedApi
from tests.unit.support import NO_CREDENTIALS, free_port, make_settings

KINDS = kinds("default", warm_start=True)


@pytest.fixture(scope="module")
def api(real_server: RealServer) -> Iterator[WatchedApi]:
    with closing(real_server.connect(WatchedApi)) as made:
        made.writes = []
        pool.ensure(made, "default")
        yield made


class Deployer:
    """A deployer of its own, and what it has done."""

    def __init__(self, api: WatchedApi, scope: str) -> None:
        self.api = api
        self.scope = scope
        self.said: list[str] = []

    def actual(self) -> Mapping[str, Mapping[str, Actual]]:
        return applying.read_actual(self.api, KINDS, [kind.name for kind in KINDS])

    def plan(self, *wanted: Desired) -> Plan:
        record, others = Store(self.api, self.scope).read()
        whole = frozenset({"/project"})
        return plan(KINDS, Declarations(wanted, whole), Holdings(self.actual(), record, others))

    def apply(self, *wanted: Desired) -> list[str]:
        """Apply; return what was said and check that nothing is left to do."""
        assert self.refused(*wanted) == []
        assert self.plan(*wanted).steps == ()
        self.api.writes.clear()
        said = list(self.said)
        assert self.refused(*wanted) == []
        assert (self.api.writes, self.said) == ([], []), "the second apply changed something"
        return said

    def refused(self, *wanted: Desired) -> list[str]:
        self.said.clear()
        store = Store(self.api, self.scope)
        record, others = store.read()
        whole = frozenset({"/project"})
        todo = plan(KINDS, Declarations(wanted, whole), Holdings(self.actual(), record, others))
        return [str(one) for one in applying.apply(todo, self.api, KINDS, store, self.said.append)]


@pytest.fixture
def deployer(api: WatchedApi, request: pytest.FixtureRequest) -> Iterator[Deployer]:
    one = Deployer(api, "".join(c if c.isalnum() else "-" for c in request.node.name.lower()))
    yield one
    one.refused()


def declared(one: Strict) -> tuple[Desired, ...]:
    queues = len(one.work_queues) if isinstance(one, WorkPoolObject) else 0
    return tuple(desired(Item(one, place(), (place(4),) * queues), Path("/project")))


def automation(**values: Any) -> tuple[Desired, ...]:
    trigger = {
        "type": "event",
        "expect": ["of-a-test.b", "of-a-test.a"],
        "match": {"prefect.resource.id": "of-a-test.*"},
        "for_each": ["prefect.resource.id"],
        "posture": "Reactive",
        "threshold": values.pop("threshold", 1),
        "within": "PT1M",
    }
    given = {"actions": [{"type": "do-nothing"}], **values}
    return declared(Automation(name="tell", trigger=trigger, **given))


@dataclass(frozen=True)
class Case:
    """One kind: how it is first, how it is then, and what somebody does to it meanwhile."""

    kind: str
    name: str
    before: Callable[[], tuple[Desired, ...]]
    after: Callable[[], tuple[Desired, ...]]
    fields: str
    meddle: Callable[[Api, Actual], None]
    meddled: str


CASES = [
    Case(
        "variable",
        "region",
        lambda: declared(Variable(name="region", value={"name": "eu", "zones": [1, None]})),
        lambda: declared(Variable(name="region", value=None, tags=["a"])),
        "tags, value",
        lambda api, one: api.patch(f"/variables/{one.id}", {"value": "us", "tags": ["b"]}),
        "tags, value",
    ),
    Case(
        "concurrency limit",
        "licences",
        lambda: declared(GlobalLimit(name="licences", limit=2)),
        lambda: declared(GlobalLimit(name="licences", limit=3, slot_decay_per_second=0.5)),
        "limit, slot_decay_per_second",
        lambda api, one: api.patch(f"/v2/concurrency_limits/{one.id}", {"limit": 9}),
        "limit",
    ),
    Case(
        "tag limit",
        "data base",
        lambda: declared(TagLimit(tag="data base", limit=2)),
        lambda: declared(TagLimit(tag="data base", limit=4)),
        "concurrency_limit",
        lambda api, one: api.post(
            "/concurrency_limits/", {"tag": one.name, "concurrency_limit": 7}
        ),
        "concurrency_limit",
    ),
    Case(
        "work pool",
        "lab 1",
        lambda: declared(WorkPoolObject(name="lab 1", description="first", concurrency_limit=2)),
        lambda: declared(WorkPoolObject(name="lab 1", description="then", concurrency_limit=None)),
        "concurrency_limit, description",
        lambda api, _: api.patch("/work_pools/lab%201", {"concurrency_limit": 5}),
        "concurrency_limit",
    ),
    Case(
        "work queue",
        "lab 2/urgent",
        lambda: declared(
            WorkPoolObject.model_validate(
                {"name": "lab 2", "work_queues": [{"name": "urgent", "priority": 1}]}
            )
        ),
        lambda: declared(
            WorkPoolObject.model_validate(
                {"name": "lab 2", "work_queues": [{"name": "urgent", "concurrency_limit": 3}]}
            )
        ),
        "concurrency_limit",
        lambda api, _: api.patch("/work_pools/lab%202/queues/urgent", {"concurrency_limit": 8}),
        "concurrency_limit",
    ),
    Case(
        "deployment",
        "every/one",
        lambda: (deployment(flow="every", tags=["a"], schedules=[{"interval": 60, "slug": "s"}]),),
        lambda: (deployment(flow="every", tags=["b"], schedules=[{"interval": 90, "slug": "s"}]),),
        "schedules, tags",
        lambda api, one: api.patch(f"/deployments/{one.id}", {"description": "by hand"}),
        "description",
    ),
    Case(
        "block",
        "local-file-system/files",
        lambda: declared(
            BlockObject(type="local-file-system", name="files", fields={"basepath": "/a"})
        ),
        lambda: declared(
            BlockObject(type="local-file-system", name="files", fields={"basepath": "/b"})
        ),
        "basepath",
        lambda api, one: api.patch(
            f"/block_documents/{one.id}", {"data": {"basepath": "/c"}, "merge_existing_data": True}
        ),
        "basepath",
    ),
    Case(
        "automation",
        "tell",
        automation,
        lambda: automation(
            threshold=2, actions=[{"type": "pause-work-pool", "work_pool": "default"}]
        ),
        "actions, trigger",
        lambda api, one: api.put(
            f"/automations/{one.id}",
            {
                "name": "tell",
                "description": "by hand",
                "trigger": one.content["trigger"],
                "actions": [{"type": "do-nothing"}],
            },
        ),
        "actions, description",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.kind for case in CASES])
def test_life_of_an_object(case: Case, deployer: Deployer) -> None:
    subject = f"{case.kind} {case.name}"
    assert f"created {subject}" in deployer.apply(*case.before())
    first = deployer.actual()[case.kind][case.name]

    assert deployer.apply(*case.after()) == [f"changed {subject}: {case.fields}"]
    case.meddle(deployer.api, deployer.actual()[case.kind][case.name])
    assert deployer.apply(*case.after()) == [
        f"put back {subject}, changed on the server: {case.meddled}"
    ]
    assert deployer.actual()[case.kind][case.name].id == first.id, "it is another object now"

    assert f"removed {subject}, which is declared no more" in deployer.apply()
    assert case.name not in deployer.actual()[case.kind]


def test_what_is_missing_again_is_made_again(deployer: Deployer) -> None:
    one = declared(Variable(name="again", value=1))
    deployer.apply(*one)
    deployer.api.delete("/variables/name/again")
    assert deployer.apply(*one) == ["created variable again"]


def test_what_people_made_is_left_alone(deployer: Deployer) -> None:
    made: list[tuple[str, dict[str, Any]]] = [
        ("/variables/", {"name": "by-hand", "value": 1}),
        ("/v2/concurrency_limits/", {"name": "by-hand", "limit": 1}),
        ("/concurrency_limits/", {"tag": "by-hand", "concurrency_limit": 1}),
        ("/work_pools/", {"name": "by-hand", "type": "process"}),
    ]
    for path, body in made:
        deployer.api.post(path, body)
    before = deployer.actual()
    assert deployer.apply(*declared(Variable(name="ours", value=1))) == ["created variable ours"]
    assert deployer.apply() == ["removed variable ours, which is declared no more"]
    assert {kind: set(ones) for kind, ones in deployer.actual().items()} == {
        kind: set(ones) for kind, ones in before.items()
    }


@pytest.mark.parametrize(
    ("going", "path", "stop", "state"),
    [
        (
            lambda paused: declared(WorkPoolObject(name="switched", paused=paused)),
            "/work_pools/switched",
            {"is_paused": True},
            "is_paused",
        ),
        (
            lambda off: declared(GlobalLimit(name="switched", limit=1, active=not off)),
            "/v2/concurrency_limits/switched",
            {"active": False},
            "active",
        ),
    ],
    ids=["work pool", "concurrency limit"],
)
def test_a_switch_stays_as_the_operator_left_it_until_the_file_changes_it(
    going: Callable[[bool], tuple[Desired, ...]],
    path: str,
    stop: dict[str, bool],
    state: str,
    deployer: Deployer,
) -> None:
    deployer.apply(*going(False))
    deployer.api.patch(path, stop)
    assert deployer.apply(*going(False)) == []
    assert deployer.api.get(path)[state] is stop[state]
    # In the file as well, and back: now it goes again.
    assert deployer.apply(*going(True)) == []
    (said,) = deployer.apply(*going(False))
    assert said.endswith(f": {state}")
    assert deployer.api.get(path)[state] is not stop[state]


def test_a_paused_queue_stays_paused_when_its_limit_changes(deployer: Deployer) -> None:
    def queue(limit: int) -> tuple[Desired, ...]:
        values = {"name": "lab 3", "work_queues": [{"name": "q", "concurrency_limit": limit}]}
        return declared(WorkPoolObject.model_validate(values))

    deployer.apply(*queue(1))
    deployer.api.patch("/work_pools/lab%203/queues/q", {"is_paused": True})
    assert deployer.apply(*queue(2)) == ["changed work queue lab 3/q: concurrency_limit"]
    assert deployer.api.get("/work_pools/lab%203/queues/q")["is_paused"] is True


def test_process_pools_start_runs_as_the_appliance_s_own_does(deployer: Deployer) -> None:
    deployer.apply(*declared(WorkPoolObject(name="warm")))
    template = deployer.api.get("/work_pools/warm")["base_job_template"]
    assert template == pool.job_template(warm_start=True)


def test_the_pool_of_our_own_workers_stays(deployer: Deployer) -> None:
    own = declared(WorkPoolObject(name="default", concurrency_limit=7))
    assert deployer.apply(*own) == ["changed work pool default: concurrency_limit"]
    try:
        assert deployer.apply() == []
        assert "default" in deployer.actual()["work pool"]
    finally:
        deployer.api.patch("/work_pools/default", {"concurrency_limit": None})


def test_artifacts_of_flows_are_not_read(deployer: Deployer) -> None:
    deployer.api.post("/artifacts/", {"key": "of-a-flow", "type": "table", "data": "[1]"})
    deployer.apply(*declared(Variable(name="beside", value=1)))
    record, _ = Store(deployer.api, deployer.scope).read()
    assert list(record) == [("variable", "beside")]


def test_pools_of_other_types_have_prefect_s_template(deployer: Deployer) -> None:
    # Its list of types comes with Prefect; a newer one from elsewhere is not needed.
    deployer.apply(*declared(WorkPoolObject(name="boxes", type="docker")))
    template = deployer.api.get("/work_pools/boxes")["base_job_template"]
    assert "image" in template["variables"]["properties"]
    (problem,) = deployer.refused(*declared(WorkPoolObject(name="x", type="mainframe")))
    assert "there is no work pool type 'mainframe'; known are " in problem
    assert "docker" in problem


def test_a_refused_object_does_not_stop_the_next_and_is_not_ours(deployer: Deployer) -> None:
    bad = deployment("bad", flow="refused", work_pool={"name": "no-such-pool"})
    wrong = deployment("wrong", flow="refused", parameters={"count": "many"})
    good = deployment("good", flow="refused")
    missing, invalid = deployer.refused(bad, wrong, good)
    assert deployer.said == ["created deployment refused/good"]
    assert missing.startswith("/project/d.yaml:3: the server refused POST /api/deployments/: ")
    assert "no-such-pool" in missing
    assert "'many' is not of type 'integer'" in invalid
    record, _ = Store(deployer.api, deployer.scope).read()
    assert list(record) == [("deployment", "refused/good")]


def test_a_switched_off_automation_stays_so(deployer: Deployer) -> None:
    deployer.apply(*automation())
    there = deployer.actual()["automation"]["tell"]
    deployer.api.patch(f"/automations/{there.id}", {"enabled": False})
    assert deployer.apply(*automation()) == []
    assert deployer.apply(*automation(threshold=3)) == ["changed automation tell: trigger"]
    assert deployer.actual()["automation"]["tell"].content["enabled"] is False
    deployer.apply(*automation(threshold=3, enabled=False))
    (said,) = deployer.apply(*automation(threshold=3))
    assert said.endswith("automation tell, changed on the server: enabled")


def test_actions_name_what_they_are_about(
    deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_OF_A_TEST", "https://hooks.example.org/hidden")
    pool_of_it = WorkPoolObject.model_validate(
        {"name": "acted on", "work_queues": [{"name": "queue"}]}
    )
    block = BlockObject(
        type="slack-webhook", name="ops", fields={"url": {"env": "WEBHOOK_OF_A_TEST"}}
    )
    actions = [
        {"type": "send-notification", "block": "slack-webhook/ops", "body": "it happened"},
        {"type": "run-deployment", "deployment": "acted/on", "parameters": {"count": 2}},
        {"type": "pause-work-queue", "work_queue": "acted on/queue"},
        {"type": "pause-automation", "automation": "tell another"},
    ]
    everything = (
        *declared(pool_of_it),
        *declared(block),
        deployment("on", flow="acted"),
        *declared(
            Automation(
                name="tell another",
                trigger={"type": "event", "expect": ["of-a-test"], "posture": "Reactive"},
                actions=[{"type": "do-nothing"}],
            )
        ),
        *automation(actions=actions),
    )
    deployer.apply(*everything)
    there = deployer.actual()["automation"]["tell"].content["actions"]
    assert there[1]["deployment_id"] == deployer.actual()["deployment"]["acted/on"].id
    wrong = [{"type": "run-deployment", "deployment": "acted/off"}]
    (problem,) = deployer.refused(*everything[:-1], *automation(actions=wrong))
    assert "there is no deployment acted/off" in problem


def test_a_secret_is_on_the_server_and_nowhere_else(deployer: Deployer, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hidden one\n")

    def block() -> tuple[Desired, ...]:
        fields = {"value": {"file": str(file)}}
        return declared(BlockObject(type="secret", name="of-a-test", fields=fields))

    assert deployer.apply(*block()) == ["created block secret/of-a-test"]
    assert deployer.actual()["block"]["secret/of-a-test"].content == {"value": "hidden one"}
    file.write_text("hidden two\n")
    planned = Planned(deployer.plan(*block()), ())
    shown = json.dumps(preview.to_json(planned)) + preview.text(planned, colour=False)
    assert "value" in shown
    assert "hidden one" not in shown
    assert "hidden two" not in shown
    deployer.apply(*block())
    assert deployer.actual()["block"]["secret/of-a-test"].content == {"value": "hidden two"}
    records = deployer.api.post("/artifacts/latest/filter", {})
    assert "hidden" not in json.dumps(records)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "secrte", "fields": {}}, "no block type 'secrte'; did you mean 'secret'?"),
        ({"type": "secret", "fields": {"valeu": 1}}, "no field 'valeu'; did you mean 'value'?"),
        ({"type": "secret", "fields": {}}, "a block of type secret needs the field 'value'"),
        ({"type": "secret", "fields": {"value": "Hidden"}}, "the field 'value' of a block"),
    ],
)
def test_a_block_that_no_server_would_refuse_though_it_is_wrong(
    deployer: Deployer, block: dict[str, Any], words: str
) -> None:
    planned = deployer.plan(*declared(BlockObject.model_validate({"name": "wrong", **block})))
    (problem,) = planned.problems
    assert words in str(problem)
    assert "Hidden" not in str(problem)
    assert planned.steps == ()


def test_a_block_that_is_not_there_is_told_by_its_name(deployer: Deployer) -> None:
    with pytest.raises(WorldError, match="there is no block secret/absent"):
        id_of(deployer.api, "secret/absent")


def test_a_server_that_goes_away_ends_the_pass(deployer: Deployer) -> None:
    todo = deployer.plan(*declared(Variable(name="never", value=1)))
    away = Api(
        make_settings(components="worker", api_url=f"http://127.0.0.1:{free_port()}/api"),
        NO_CREDENTIALS,
    )
    store = Store(deployer.api, deployer.scope)
    store.read()
    with closing(away), pytest.raises(WorldError, match="does not answer"):
        applying.apply(todo, away, KINDS, store, lambda _: None)
    # Killed between recording and making: the next pass makes it.
    record, _ = store.read()
    assert record["variable", "never"].applied == ""
    assert deployer.apply(*declared(Variable(name="never", value=1))) == ["created variable never"]


def test_deployers_of_one_server_keep_their_hands_off_each_other(
    deployer: Deployer, api: WatchedApi
) -> None:
    one = declared(Variable(name="shared", value=1))
    deployer.apply(*one)
    other = Deployer(api, "another")
    (problem,) = other.plan(*declared(Variable(name="shared", value=2))).problems
    assert f"variable shared belongs to the deployer '{deployer.scope}'" in str(problem)
    assert other.plan().steps == ()


def test_the_record_is_a_table_in_the_ui(deployer: Deployer) -> None:
    deployer.apply(*declared(Variable(name="recorded", value=1)))
    (found,) = [
        one
        for one in deployer.api.post("/artifacts/latest/filter", {})
        if one["key"] == KEY + deployer.scope
    ]
    assert found["type"] == "table"
    assert '"name": "recorded"' in found["data"]
    # Somebody has written something else: nothing is ours, and nothing is removed.
    deployer.api.patch(f"/artifacts/{found['latest_id']}", {"data": "[1]"})
    assert deployer.plan().steps == ()


EVERYTHING: dict[str, Any] = {
    "version": "1.2",
    "description": "own",
    "tags": ["b", "a"],
    "parameters": {"count": 2},
    "concurrency_limit": {
        "limit": 2,
        "collision_strategy": "CANCEL_NEW",
        "grace_period_seconds": 90,
    },
    "paused": True,
    "work_pool": {"work_queue_name": "urgent", "job_variables": {"env": {"A": "1", "N": None}}},
    "schedules": [
        {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "slug": "c", "parameters": {"count": 1}},
        {"cron": "@daily", "day_or": False},
        {"interval": 3600, "slug": "i", "active": False},
        {"interval": 90.5, "anchor_date": "2026-07-01T08:00:00", "timezone": "America/New_York"},
        {"rrule": "FREQ=DAILY;COUNT=3", "slug": "r"},
        {"rrule": "DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "slug": "started"},
    ],
}


def test_deployment_with_all_that_a_file_can_say(deployer: Deployer) -> None:
    one = deployment("everything", flow="full", **EVERYTHING)
    assert deployer.apply(one) == ["created deployment full/everything"]
    there = deployer.actual()["deployment"]["full/everything"].content
    assert there["paused"] is True
    assert there["tags"] == ["b", "a"]
    assert there["work_queue_name"] == "urgent"
    assert there["global_concurrency_limit"]["limit"] == 2
    active = {schedule["slug"]: schedule["active"] for schedule in there["schedules"]}
    assert len(active) == 6
    assert [slug for slug, on in active.items() if not on] == ["i"]


def test_every_field_of_a_deployment_changes_and_comes_back(deployer: Deployer) -> None:
    plain = deployment("changing", flow="full")
    deployer.apply(plain)
    first = deployer.actual()["deployment"]["full/changing"].content
    (said,) = deployer.apply(deployment("changing", flow="full", **EVERYTHING))
    assert said.startswith("changed deployment full/changing: ")
    changed = deployer.actual()["deployment"]["full/changing"].content
    assert changed["id"] == first["id"]
    assert changed["paused"] is True, "the file has changed it"
    deployer.apply(plain)
    back = deployer.actual()["deployment"]["full/changing"].content
    moving = {"updated", "work_queue_id", "global_concurrency_limit"}
    assert {k: v for k, v in back.items() if k not in moving} == {
        k: v for k, v in first.items() if k not in moving
    }


def test_a_queue_is_looked_for_in_its_own_pool(deployer: Deployer) -> None:
    """Prefect takes a queue of the same name from any pool where the request names none."""
    others = [f"other-{number}" for number in range(8)]
    for other in others:
        pool.ensure(deployer.api, other)
        deployer.api.post(f"/work_pools/{other}/queues", {"name": "shared"})
    try:
        deployer.apply(deployment("queued", flow="full"))
        for queue in ("shared", "default"):
            deployer.apply(deployment("queued", flow="full", work_pool={"work_queue_name": queue}))
            there = deployer.actual()["deployment"]["full/queued"].content
            assert (there["work_pool_name"], there["work_queue_name"]) == ("default", queue)
    finally:
        for other in others:
            deployer.api.delete(f"/work_pools/{other}")


def test_schedule_keeps_its_identity_and_its_pause(deployer: Deployer) -> None:
    def one(interval: int, **values: Any) -> Desired:
        schedule = {"interval": interval, "slug": "s", **values}
        return deployment("paused", flow="full", schedules=[schedule])

    def there() -> dict[str, Any]:
        (schedule,) = deployer.actual()["deployment"]["full/paused"].content["schedules"]
        return dict(schedule)

    deployer.apply(one(60))
    made = there()
    found = deployer.actual()["deployment"]["full/paused"]
    deployer.api.patch(f"/deployments/{found.id}/schedules/{made['id']}", {"active": False})
    deployer.apply(one(120))
    after = there()
    assert (after["id"], after["active"]) == (made["id"], False)
    assert after["schedule"]["interval"] == 120.0
    # Stopped in the file, too, and set going there.
    deployer.apply(one(120, active=False))
    deployer.apply(one(120))
    assert there()["active"] is True


def test_a_pause_of_a_deployment_is_the_operator_s(deployer: Deployer) -> None:
    one = deployment("going", flow="full")
    deployer.apply(one)
    found = deployer.actual()["deployment"]["full/going"]
    deployer.api.patch(f"/deployments/{found.id}", {"paused": True})
    assert deployer.apply(one) == []
    assert deployer.apply(replace(one, fields={**one.fields, "tags": ["x"]})) == [
        "changed deployment full/going: tags"
    ]
    assert deployer.actual()["deployment"]["full/going"].content["paused"] is True


def test_more_than_one_page_is_read(deployer: Deployer, monkeypatch: pytest.MonkeyPatch) -> None:
    ones = [declared(Variable(name=f"page-{number}", value=number))[0] for number in range(3)]
    deployer.apply(*ones)
    everything = deployer.actual()
    monkeypatch.setattr("appliance.deployer.objects.kind.PAGE", 2)
    assert deployer.actual() == everything
