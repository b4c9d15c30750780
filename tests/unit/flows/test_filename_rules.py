from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from utils.filename_rules import FilenameRules, NamingRules

ANYTHING: dict[str, Any] = {
    "pattern": None,
    "extensions": None,
    "max_length": None,
    "allow_spaces": True,
    "case": "any",
}


def broken(name: str, **rules: Any) -> list[str]:
    return [breach.rule for breach in FilenameRules(NamingRules(**rules)).breaches(name)]


@pytest.mark.parametrize("name", ["a.md", "release_notes-2024-01.json", "x1.txt"])
def test_names_that_conform(name: str) -> None:
    assert broken(name) == []


@pytest.mark.parametrize(
    ("name", "rules", "expected"),
    [
        ("My File.md", {}, ["pattern", "allow_spaces", "case"]),
        ("file.exe", {}, ["extensions"]),
        ("file", {}, ["extensions"]),
        ("archive.tar.md", {}, ["pattern"]),
        ("a" * 62 + ".md", {}, ["max_length"]),
        ("a" * 61 + ".md", {}, []),
        ("anything At all", ANYTHING, []),
        ("a b", ANYTHING | {"allow_spaces": False}, ["allow_spaces"]),
        ("a\tb", ANYTHING | {"allow_spaces": False}, ["allow_spaces"]),
        ("Ä", ANYTHING | {"case": "lower"}, ["case"]),
        ("ab", ANYTHING | {"case": "upper"}, ["case"]),
        ("AB1", ANYTHING | {"case": "upper"}, []),
        ("abc", ANYTHING | {"pattern": "ab"}, ["pattern"]),
        ("a.txt", ANYTHING | {"extensions": ["txt"]}, []),
        ("a.TXT", ANYTHING | {"extensions": [".txt"]}, ["extensions"]),
        ("a", ANYTHING | {"extensions": [""]}, []),
        ("a", ANYTHING | {"extensions": []}, ["extensions"]),
    ],
)
def test_every_broken_rule_is_found(name: str, rules: dict[str, Any], expected: list[str]) -> None:
    assert broken(name, **rules) == expected


def test_a_pattern_that_is_none_is_explained() -> None:
    with pytest.raises(ValueError, match=r"'pattern' is not a regular expression: '\[a-'") as error:
        FilenameRules(NamingRules(pattern="[a-"))
    assert "\n" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_rule_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_lenght"):
        NamingRules(max_lenght=3)  # type: ignore[call-arg]
