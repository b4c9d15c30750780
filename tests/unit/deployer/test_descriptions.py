"""Flows are asked again exactly when something that they are made from has changed."""

from __future__ import annotations

import json
import os
import stat
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appliance.deployer import inspection
from appliance.deployer.descriptions import Descriptions, Parameters
from appliance.deployer.inspection import FlowDescription, Inspected, key_of

FLOW = "flows/f.py:f"
OTHER = "flows/g.py:g"
WANTED: Mapping[str, Sequence[Mapping[str, Any]]] = {FLOW: [{}, {"count": 1}], OTHER: [{}]}
LONG_AGO = 1_700_000_000


@dataclass
class Flows:
    """A project's flows, and which of them have been asked."""

    root: Path
    asked: list[list[str]] = field(default_factory=list)
    failing: frozenset[str] = frozenset()
    environ: dict[str, str] = field(default_factory=lambda: {"STAGE": "test"})

    def __post_init__(self) -> None:
        for name in ("f", "g", "library"):
            self.write(name, "1")

    def file(self, name: str) -> Path:
        return self.root / f"{name}.py"

    def write(self, name: str, text: str, *, at: float = LONG_AGO) -> None:
        self.file(name).write_text(text)
        os.utime(self.file(name), (at, at))

    def inspect(self, wanted: Parameters) -> dict[str, Inspected]:
        self.asked.append(sorted(wanted))
        return {
            entrypoint: "it cannot be loaded"
            if entrypoint in self.failing
            else FlowDescription(
                name=entrypoint[-1],
                version=None,
                description="what it does",
                parameter_schema={"type": "object"},
                mistakes={key_of(one): "" for one in given},
                sources=(str(self.file(entrypoint[-1])), str(self.file("library"))),
            )
            for entrypoint, given in wanted.items()
        }

    def complete(
        self, fingerprint: str = "as it is", wanted: Parameters = WANTED
    ) -> dict[str, Inspected]:
        """Ask as another command does, which knows nothing but what is kept."""
        kept = Descriptions(self.root / "flows.json", self.environ)
        return kept.complete(self.root, fingerprint, wanted, self.inspect)


@pytest.fixture
def flows(tmp_path: Path) -> Flows:
    return Flows(tmp_path)


def test_who_has_been_asked_is_not_asked_again(flows: Flows) -> None:
    first = flows.complete()
    assert sorted(first) == sorted(WANTED)
    assert flows.complete() == first
    assert flows.asked == [sorted(WANTED)]
    assert stat.S_IMODE((flows.root / "flows.json").stat().st_mode) == 0o600


def test_a_changed_module_costs_those_who_load_it(flows: Flows) -> None:
    flows.complete()
    flows.write("g", "22")
    flows.complete()
    assert flows.asked[1:] == [[OTHER]]
    flows.write("library", "2", at=LONG_AGO + 1)
    flows.complete()
    assert flows.asked[2:] == [sorted(WANTED)]
    flows.file("f").unlink()
    flows.complete()
    assert flows.asked[3:] == [[FLOW]]


def test_another_project_or_environment_is_asked_anew(flows: Flows) -> None:
    flows.complete()
    flows.complete("otherwise")
    flows.complete("otherwise")
    assert len(flows.asked) == 2
    flows.environ["STAGE"] = "live"
    flows.complete("otherwise")
    assert len(flows.asked) == 3
    # Of no consequence: who started us, and what no flow is shown.
    flows.environ |= {"SUPERVISOR_ENABLED": "1", "PWD": "/", "ZOE_ADMIN_PASSWORD": "hidden"}
    flows.complete("otherwise")
    assert len(flows.asked) == 3


def test_only_who_has_new_parameters_or_is_new_is_asked(flows: Flows) -> None:
    flows.complete(wanted={FLOW: [{}]})
    found = flows.complete(wanted={FLOW: [{"count": 2}], OTHER: [{}]})
    assert flows.asked[1:] == [sorted(WANTED)]
    flow = found[FLOW]
    assert isinstance(flow, FlowDescription)
    assert key_of({"count": 2}) in flow.mistakes
    flows.complete(wanted={FLOW: [{"count": 2}]})
    flows.complete(wanted={OTHER: [{}]})
    assert len(flows.asked) == 2


def test_what_has_failed_is_tried_again(flows: Flows) -> None:
    flows.failing = frozenset({OTHER})
    assert flows.complete()[OTHER] == "it cannot be loaded"
    flows.failing = frozenset()
    assert isinstance(flows.complete()[OTHER], FlowDescription)
    assert flows.asked == [sorted(WANTED), [OTHER]]


def test_a_file_that_may_have_been_written_meanwhile_is_not_trusted(flows: Flows) -> None:
    flows.file("g").write_text("now")
    flows.complete()
    flows.complete()
    assert flows.asked[1:] == [[OTHER]]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1}'])
def test_what_cannot_be_read_is_as_good_as_nothing(flows: Flows, content: str) -> None:
    (flows.root / "flows.json").write_text(content)
    flows.complete()
    flows.complete()
    assert len(flows.asked) == 1


def test_what_another_version_has_kept_is_as_good_as_nothing(flows: Flows) -> None:
    flows.complete()
    file = flows.root / "flows.json"
    file.write_text(file.read_text().replace('"version"', '"revision"'))
    flows.complete()
    assert len(flows.asked) == 2


def test_checkouts_that_are_gone_are_forgotten(flows: Flows, tmp_path: Path) -> None:
    file = tmp_path / "flows.json"
    kept = Descriptions(file, flows.environ)
    gone = tmp_path / "checkout"
    gone.mkdir()
    kept.complete(gone, "x", WANTED, flows.inspect)
    assert f'"{gone}"' in file.read_text()
    gone.rmdir()
    kept.complete(tmp_path, "x", WANTED, flows.inspect)
    assert f'"{gone}"' not in file.read_text()
    assert f'"{tmp_path}"' in file.read_text()


def test_a_module_that_changes_while_others_are_asked_is_not_missed(flows: Flows) -> None:
    flows.complete(wanted={FLOW: [{}]})
    ask = flows.inspect

    def inspect(wanted: Parameters) -> dict[str, Inspected]:
        # With the time of the one that it replaces, as `cp -p` does it.
        flows.write("f", "22")
        return ask(wanted)

    kept = Descriptions(flows.root / "flows.json", flows.environ)
    kept.complete(flows.root, "as it is", {FLOW: [{}], OTHER: [{}]}, inspect)
    flows.complete(wanted={FLOW: [{}]})
    assert flows.asked[1:] == [[OTHER], [FLOW]]


def test_environments_come_and_go(flows: Flows) -> None:
    for number in range(5):
        flows.environ["JOB"] = str(number)
        flows.complete()
    assert len(json.loads((flows.root / "flows.json").read_text())) == 3
    flows.environ["JOB"] = "2"
    flows.complete()
    assert len(flows.asked) == 5
    flows.environ["JOB"] = "1"
    flows.complete()
    assert len(flows.asked) == 6


def test_nowhere_to_keep_them_is_no_mistake(flows: Flows, tmp_path: Path) -> None:
    for path in (None, tmp_path / "absent" / "flows.json"):
        flows.asked.clear()
        for _ in range(2):
            Descriptions(path, flows.environ).complete(tmp_path, "x", WANTED, flows.inspect)
        assert len(flows.asked) == 2


def test_a_real_flow_names_what_it_was_loaded_from(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/f.py").write_text(
        "from prefect import flow\nimport helper, wave\n@flow\ndef f(): pass\n"
    )
    (tmp_path / "flows/helper.py").write_text("")
    flow = inspection.inspect(tmp_path, {FLOW: [{}]}, lambda: None)[FLOW]
    assert isinstance(flow, FlowDescription)
    assert {source for source in flow.sources if source.endswith(".py")} == {
        str(tmp_path / "flows/f.py"),
        str(tmp_path / "flows/helper.py"),
    }
    # What is installed, Prefect and Python itself, is known by its directory.
    assert {sysconfig.get_path(name) for name in ("purelib", "stdlib")} <= set(flow.sources)
