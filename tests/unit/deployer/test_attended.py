from __future__ import annotations

import subprocess

import pytest

from appliance.deployer import attended


def started(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_output_of_a_program_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attended, "BEAT_SECONDS", 0.05)
    beats: list[None] = []
    process = started("sleep 0.3; echo out; echo err >&2; exit 3")
    assert attended.output_of(process, 60, lambda: beats.append(None)) == ("out\n", "err\n")
    assert process.returncode == 3
    assert len(beats) > 2


def test_a_program_that_takes_too_long_is_ended_with_its_helpers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attended, "BEAT_SECONDS", 0.05)
    # Its helper holds the pipes, too: to return at all they must both be gone.
    process = started("sleep 600 & sleep 600")
    with pytest.raises(TimeoutError):
        attended.output_of(process, 0.1, lambda: None)
    assert process.returncode == -9
