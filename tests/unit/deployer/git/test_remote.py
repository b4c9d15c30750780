from __future__ import annotations

import pytest

from appliance.deployer.git.remote import commit_of, names_of

LISTING = """\
aaa\tHEAD
aaa\trefs/heads/main
bbb\trefs/heads/v1
ccc\trefs/tags/v1
ddd\trefs/tags/v1^{}
eee\trefs/tags/light
"""


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("", ("aaa", "HEAD")),
        ("main", ("aaa", "refs/heads/main")),
        ("v1", ("ddd", "refs/tags/v1")),
        ("refs/heads/v1", ("bbb", "refs/heads/v1")),
        ("light", ("eee", "refs/tags/light")),
        ("in", None),
    ],
)
def test_what_a_name_stands_for(ref: str, found: tuple[str, str] | None) -> None:
    assert commit_of(LISTING, ref) == found


def test_an_empty_repository_has_nothing() -> None:
    assert commit_of("", "") is None


def test_what_is_asked_for_is_what_is_read() -> None:
    assert names_of("") == ("HEAD",)
    assert "refs/heads/x" in names_of("x")
