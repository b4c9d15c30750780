from __future__ import annotations

import pytest

from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.image.console import megabytes, seconds
from appliance.image.progress import Stages, diagnose, stage_of


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("Step 1/42 : FROM debian:trixie-slim AS tools", "tools"),
        ("Step 7/42 : FROM tools as venv\n", "venv"),
        ("Step 38/42 : FROM runtime", "image"),
        ("Step 9/42 : RUN true", None),
        ("#12 [venv 2/4] COPY requirements.lock /build/", "venv"),
        ("#30 [stage-6 2/4] WORKDIR /data", "stage-6"),
        ("#12 0.512 Reading package lists...", None),
        ("#3 [internal] load build context", None),
    ],
)
def test_stages_are_recognised_in_the_output_of_either_builder(
    line: str, stage: str | None
) -> None:
    assert stage_of(line) == stage


def test_each_stage_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    stages = Stages()
    for line in ("#5 [venv 1/2] RUN a", "#6 [system 1/2] RUN b", "#5 [venv 2/2] RUN c"):
        stages.feed(line)
    stages.end("failed")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("  Python packages of the lock ... ")
    assert "failed" in lines[1]


@pytest.mark.parametrize(
    ("log", "kind", "words"),
    [
        ("... [SSL: CERTIFICATE_VERIFY_FAILED] ...", OperatorError, "PIP_CERT"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM", OperatorError, "make lock"),
        ("write /x: no space left on device", WorldError, "image prune"),
        ("Temporary failure in name resolution", WorldError, "cannot be reached"),
        ("ERROR: No matching distribution found for x==1", OperatorError, "index-url"),
        ("strip: unknown", WorldError, "see the lines above"),
    ],
)
def test_a_failed_build_is_explained_in_one_line(
    log: str, kind: type[ZoeError], words: str
) -> None:
    error = diagnose(log, ".build/image.log")
    assert type(error) is kind
    assert words in error.line()
    assert ".build/image.log" in error.line()
    assert "\n" not in error.line()


def test_an_unreachable_index_is_not_mistaken_for_a_lacking_package() -> None:
    log = "NewConnectionError(...)\nERROR: No matching distribution found for x==1\n"
    assert "cannot be reached" in diagnose(log, "log").line()


@pytest.mark.parametrize(
    ("duration", "text"),
    [(0.44, "0.4 s"), (12.4, "12 s"), (185.2, "3 min 5 s"), (119.6, "2 min 0 s")],
)
def test_durations_read_as_a_person_says_them(duration: float, text: str) -> None:
    assert seconds(duration) == text


def test_sizes_are_dockers_megabytes() -> None:
    assert megabytes(397_900_000) == "398 MB"
