from __future__ import annotations

from typing import Any

import pytest
import yaml

from appliance.deployer.yaml_lines import DuplicateKeyError, LocatedYaml

TEXT = """\
# a comment
deployments:
  - name: one
    schedules:
      - cron: "0 * * * *"

      - interval: 60
  - name: two
    tags: [a, b]
"""


def test_values_are_plain() -> None:
    assert LocatedYaml(TEXT).value == yaml.safe_load(TEXT)
    assert LocatedYaml("").value is None


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 2),
        (("deployments",), 2),
        (("deployments", 0), 3),
        (("deployments", 0, "name"), 3),
        (("deployments", 0, "schedules", 0, "cron"), 5),
        (("deployments", 0, "schedules", 1), 7),
        (("deployments", 1, "tags", 1), 9),
        # What is missing is missing in its parent.
        (("deployments", 1, "entrypoint"), 8),
        (("deployments", 0, "schedules", 1, "timezone", "x"), 7),
        (("nowhere", 3), 2),
    ],
)
def test_lines(location: tuple[str | int, ...], line: int) -> None:
    assert LocatedYaml(TEXT).line(location) == line


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", 3),
        ("x:\n  - a: 1\n    a: 1\n", "a", 3),
        ("x: {a: 1, b: 2, a: 1}", "a", 1),
        # Written differently, the same to YAML.
        ("1: x\n0x1: y\n", "1", 2),
        ("base: &base {a: 1}\nx:\n  <<: *base\n  b: 1\n  b: 2\n", "b", 5),
    ],
)
def test_duplicate_key(text: str, key: str, line: int) -> None:
    with pytest.raises(DuplicateKeyError, match=f"the key '{key}' stands twice") as caught:
        LocatedYaml(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("base: &base {a: 1, b: 2}\nx: *base\n", {"a": 1, "b": 2}),
        ("base: &base {a: 1, b: 2}\nx:\n  <<: *base\n  c: 3\n", {"a": 1, "b": 2, "c": 3}),
        # One's own word wins over what is merged; that is what merging is for.
        ("base: &base {a: 1, b: 2}\nx:\n  <<: *base\n  b: 3\n", {"a": 1, "b": 3}),
        ("base: &base {a: 1, b: 2}\nx:\n  b: 3\n  <<: *base\n", {"a": 1, "b": 3}),
        ("p: &p {a: 1}\nq: &q {a: 2, b: 2}\nx:\n  <<: [*p, *q]\n", {"a": 1, "b": 2}),
        ("p: &p {a: 1}\nq: &q {<<: *p, a: 2}\nx: {<<: *q, c: 1}\n", {"a": 2, "c": 1}),
        # The same mapping, with a merge of its own, used twice.
        ("p: &p {a: 1}\nq: &q {<<: *p, a: 2}\ny: *q\nx: *q\n", {"a": 2}),
    ],
)
def test_anchors_and_merges_as_yaml_means_them(text: str, value: dict[str, Any]) -> None:
    document = LocatedYaml(text)
    assert document.value
    assert document.value["x"] == value
    assert document.value == yaml.safe_load(text)


def test_merged_key_has_the_line_where_it_is_written() -> None:
    document = LocatedYaml("base: &base\n  a: 1\nx:\n  <<: *base\n  b: 2\n")
    assert document.line(("x", "a")) == 2
    assert document.line(("x", "b")) == 5


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: [1\n", 3, "expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", 2, "found a tab character that violates indentation"),
        ("[" * 100_000, 1, "nested more than 100 deep"),
        ("- " * 100_000, 1, "nested more than 100 deep"),
        ("a: 1\nb: *nowhere\n", 2, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: !!python/name:os.system\n", 1, "could not determine a constructor"),
        # The braces of a template are YAML's own unless they are quoted.
        ("a: 1\nb: {{ variable }}\n", 2, "put a value that begins with {{ in quotes"),
        ("a: 1\nb: 2024-13-45\n", 2, "month must be in 1..12"),
        ("a: 1\nb: !!int x\n", 2, "invalid literal"),
    ],
)
def test_what_is_not_yaml_has_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        LocatedYaml(text)
    assert caught.value.problem_mark
    assert caught.value.problem_mark.line + 1 == line
    assert problem in str(caught.value.problem)
