"""The command as a user meets it: exit codes, one line for a mistake, nothing loaded in vain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import __version__, cli

VERBS = [
    "run",
    "status",
    "health",
    "logs",
    "config",
    "worker",
    "backup",
    "restore",
    "promote",
    "deploy",
    "doctor",
    "version",
]


@pytest.fixture(autouse=True)
def _own_ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path / "run"))


def zoe(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance", *words], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("words", [[verb] for verb in VERBS] + [["config", "show"], []])
def test_every_verb_explains_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*words, "--help"])
    assert caught.value.code == 0
    assert f"usage: zoe {' '.join(words)}".rstrip() in capsys.readouterr().out


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert [verb for verb in VERBS if f"\n    {verb} " not in text] == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["config"],
        ["config", "change"],
        ["logs", "-n", "-5"],
        ["logs", "-n", "many"],
        ["health", "--wait", "long"],
        ["status", "--yaml"],
    ],
)
def test_wrong_words_are_the_operator_s_mistake(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    assert "usage: zoe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["run"], ["status"], ["logs"], ["config", "check"], ["config", "show"]]
)
def test_mistakes_in_the_settings_are_a_line_each_and_2(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOE_PORT", "x")
    monkeypatch.setenv("ZOE_HOOST", "y")
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.partition(" is")[0] for line in lines] == ["zoe: ZOE_HOOST", "zoe: ZOE_PORT 'x'"]


def test_run_changes_nothing_when_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://x/api")
    assert cli.main(["run"]) == 2
    assert "zoe: PREFECT_API_URL follows from ZOE_API_URL" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "run").exists()


def test_whole_command_line_of_a_process() -> None:
    done = zoe("version", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["zoe"] == __version__
    done = zoe("logs")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("zoe: there is no log yet (")
    assert done.stderr.count("\n") == 1


def test_reader_that_goes_away_sees_no_traceback() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "appliance", "version"],
            check=False,
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (1, "")


def test_full_disk_is_a_line_and_1() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "appliance", "version"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "zoe: No space left on device"
    assert "Traceback" not in done.stderr


LEAN = """
import sys
from appliance import cli
assert cli.main(["health", "--quiet"]) == 1
heavy = {"pydantic", "prefect", "sqlalchemy", "yaml", "httpx", "asyncio"}
print(sorted(heavy & sys.modules.keys()))
import appliance.supervisor.__main__
print(sorted(heavy & sys.modules.keys()))
import appliance.supervisor.conductor
print(sorted(heavy & sys.modules.keys()))
"""


def test_what_runs_all_day_or_often_is_lean() -> None:
    # `zoe health` every few seconds; PID 1 and the conductor for as long as the container lives.
    done = subprocess.run([sys.executable, "-c", LEAN], check=False, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "[]", "[]"], done.stderr
