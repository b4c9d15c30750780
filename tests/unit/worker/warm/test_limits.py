from __future__ import annotations

from typing import Any

import pytest

from appliance.worker.warm.limits import Limits, parse, verdict

PLENTY: dict[str, Any] = {"memory": 10**12, "cpu": 1e9, "elapsed": 1e9}
NOTHING: dict[str, Any] = {"memory": 0, "cpu": 0.0, "elapsed": 0.0}


def test_limits_come_back_from_their_text_as_they_were() -> None:
    text = "memory=512000000,cpu=60,open_files=256,nice=10,time=900"
    limits = parse(text)
    assert limits.text() == text
    assert (limits.memory, limits.cpu, limits.time) == (512000000, 60, 900)
    assert (limits.open_files, limits.nice) == (256, 10)
    assert parse("nice=0").text() == "nice=0"


@pytest.mark.parametrize("text", ["", "memory", "memory=", "memory=1GB", "cpus=1", "time=-1", "a"])
def test_what_are_no_limits(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("text", "need"),
    [("open_files=64,nice=3", False), ("memory=1", True), ("cpu=1", True), ("time=1", True)],
)
def test_who_needs_a_watch(text: str, need: bool) -> None:
    assert parse(text).need_a_watch is need


def test_what_is_not_limited_may_be_used() -> None:
    assert verdict(Limits({}), **PLENTY) is None
    assert verdict(parse("open_files=64,nice=3"), **PLENTY) is None


@pytest.mark.parametrize(
    ("text", "used", "words"),
    [
        (
            "memory=512000000",
            {"memory": 530_100_000},
            "it used 531 MB of memory; the limit of its deployment is 512 MB.",
        ),
        (
            f"memory={2**31}",
            {"memory": 2**31 + 1},
            "it used 2148 MB of memory; the limit of its deployment is 2 GiB.",
        ),
        (
            "cpu=60",
            {"cpu": 61.4},
            "it used 61 s of CPU time; the limit of its deployment is 1 min.",
        ),
        ("time=900", {"elapsed": 900.0}, "it ran for 15 min, the limit of its deployment."),
        ("time=5400", {"elapsed": 5401.0}, "it ran for 90 min, the limit of its deployment."),
    ],
)
def test_why_a_run_is_stopped(text: str, used: dict[str, Any], words: str) -> None:
    assert verdict(parse(text), **{**NOTHING, **used}) == f"Stopped by Zoe: {words}"
    assert verdict(parse(text), **NOTHING) is None


def test_up_to_its_limit_a_run_may_use_all() -> None:
    limits = parse("memory=100000000,cpu=60,time=900")
    assert verdict(limits, memory=100_000_000, cpu=60.0, elapsed=899.9) is None
