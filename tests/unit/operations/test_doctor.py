from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from appliance.doctor.finding import Finding, problem, warning, well
from appliance.operations import doctor


def refused() -> str:
    raise PermissionError(13, "Permission denied")


FINE = well("disk", "100 GiB left")
MENDABLE = problem("permissions", "open to others", "chmod 600 it", lambda: "set the mode")
STUBBORN = problem("leftovers", "half written", "remove it", refused)
THEIRS = warning("workers", "drained", "zoe worker resume")


def told(
    findings: list[Finding],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    **given: bool,
) -> tuple[int, str]:
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    code = doctor.carry_out(Namespace(**{"json": False, "fix": False, **given}))
    return code, capsys.readouterr().out


def test_all_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told([FINE], monkeypatch, capsys)
    assert code == 0
    assert out == "ok       disk  100 GiB left\n\nnothing to do\n"


def test_findings_with_their_remedies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = told([FINE, MENDABLE, THEIRS], monkeypatch, capsys)
    assert code == 1
    assert "-> chmod 600 it (--fix does it)" in out
    assert "-> zoe worker resume\n" in out
    assert out.endswith("2 to look at\n")
    assert "\x1b" not in out


def test_fix_says_what_it_did_and_what_it_did_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = told([FINE, MENDABLE, STUBBORN, THEIRS], monkeypatch, capsys, fix=True)
    assert code == 1
    assert "-> mended: set the mode" in out
    assert "-> could not be mended (Permission denied); remove it" in out
    assert "-> left to you: zoe worker resume" in out
    assert out.endswith("1 mended, 2 to look at\n")


def test_everything_mended_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = told([MENDABLE], monkeypatch, capsys, fix=True)
    assert code == 0
    assert out.endswith("1 mended, nothing left to do\n")


def test_for_machines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told([FINE, STUBBORN], monkeypatch, capsys, fix=True, json=True)
    found = json.loads(out)
    assert code == 1
    assert found["well"] is False
    assert found["findings"][0]["level"] == "ok"
    assert found["findings"][1] == {
        "check": "leftovers",
        "level": "problem",
        "what": "half written",
        "remedy": "remove it",
        "fixable": True,
        "mended": None,
        "failure": "Permission denied",
    }


def test_colour_is_for_terminals() -> None:
    rows = [doctor.Result(FINE), doctor.Result(THEIRS)]
    assert "\x1b[33mwarning" in doctor.rendered(rows, fix=False, colour=True)
    assert "\x1b" not in doctor.rendered(rows, fix=False, colour=False)


def test_nothing_is_changed_without_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "mended"

    def mend() -> str:
        marker.touch()
        return "touched"

    finding = problem("x", "y", "z", mend)
    told([finding], monkeypatch, capsys)
    assert not marker.exists()
    told([finding], monkeypatch, capsys, fix=True)
    assert marker.exists()
