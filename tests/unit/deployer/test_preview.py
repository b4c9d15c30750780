"""How a plan looks."""

from __future__ import annotations

import json

from appliance.deployer import preview
from appliance.deployer.objects.variables import Variables
from appliance.deployer.ownership import entry
from appliance.deployer.plan import Declarations, Holdings, plan
from appliance.deployer.problems import Problem
from appliance.deployer.reconcile import Planned
from tests.unit.deployer.builder import FILE, held, variable

LONG = "x" * 200


def planned() -> Planned:
    new, same, gone = variable("new"), variable("same"), variable("gone")
    drifted, stays = variable("drifted", [1, LONG]), variable("stays")
    ours = (same, gone, drifted, stays)
    found = plan(
        (Variables(),),
        Declarations((new, same, drifted, variable("changed", {"a": 2})), frozenset({"/project"})),
        Holdings(
            {
                "variable": {
                    **{one.name: held(one) for one in (same, gone, stays)},
                    "drifted": held(drifted, value=None),
                    "changed": held(variable("changed", {"a": 1})),
                }
            },
            {("variable", one.name): entry(one, applied=True) for one in ours},
        ),
    )
    return Planned(found, (Problem(FILE, 9, "it is wrong"),))


def test_text_for_people() -> None:
    text = preview.text(planned(), colour=False)
    assert text.splitlines() == [
        "+ variable new",
        "! variable drifted  (somebody has changed it on the server)",
        f'    value: null -> [1, "{"x" * 54}…',
        "~ variable changed",
        '    value: {"a": 1} -> {"a": 2}',
        "- variable gone  (declared no more)",
        "- variable stays  (declared no more)",
        "1 to create, 1 to change, 1 to put back, 2 to delete; 1 are as declared",
    ]
    assert preview.text(planned(), colour=True).startswith("\x1b[32m+ variable new\x1b[0m\n")


def test_what_apply_will_not_do_by_itself_is_told() -> None:
    one = variable("v")
    found = plan(
        (Variables(),),
        Declarations(()),
        Holdings({"variable": {"v": held(one)}}, {("variable", "v"): entry(one, applied=True)}),
    )
    text = preview.text(Planned(found, ()), colour=False)
    assert "- variable v  (declared no more)" in text
    assert "--allow-mass-delete" in text


def test_nothing_to_do_and_what_stays_for_now() -> None:
    one = variable("v")
    found = plan(
        (Variables(),),
        Declarations((), unread=frozenset({"/project"})),
        Holdings({"variable": {"v": held(one)}}, {("variable", "v"): entry(one, applied=True)}),
    )
    assert preview.text(Planned(found, ()), colour=False).splitlines() == [
        "  variable v stays until /project can be read",
        "nothing to do; 0 are as declared",
    ]


def test_json_for_machines() -> None:
    found = json.loads(json.dumps(preview.to_json(planned())))
    assert [(one["action"], one["name"]) for one in found["changes"]] == [
        ("create", "new"),
        ("put back", "drifted"),
        ("change", "changed"),
        ("delete", "gone"),
        ("delete", "stays"),
    ]
    assert found["changes"][2] == {
        "action": "change",
        "kind": "variable",
        "name": "changed",
        "project": "/project",
        "file": "/project/d.yaml",
        "line": 3,
        "differences": {"value": {"there": {"a": 1}, "wanted": {"a": 2}}},
    }
    assert found["unchanged"] == 1
    assert found["problems"] == [{"file": "/project/d.yaml", "line": 9, "cause": "it is wrong"}]
