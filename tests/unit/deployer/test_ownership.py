"""The record of what is ours, apart from the server that keeps it (`objects/test_every`)."""

from __future__ import annotations

import pytest

from appliance.deployer.ownership import digest, entry, slug
from tests.unit.deployer.builder import deployment, place, variable


def test_the_digest_tells_what_the_file_says_and_not_where() -> None:
    one = variable("v", {"b": 1, "a": [1, None]})
    assert digest(one) == digest(variable("v", {"a": [1, None], "b": 1}, at=place(9, "/other")))
    assert digest(one) != digest(variable("v", {"a": [1, None], "b": 2}))


def test_a_switch_is_recorded_beside_it() -> None:
    going, paused = deployment(paused=False), deployment(paused=True)
    assert digest(going) == digest(paused)
    assert entry(going, applied=True).initial == {"paused": False}
    assert entry(paused, applied=True).initial == {"paused": True}


def test_what_is_about_to_be_made_has_not_been_applied() -> None:
    coming = entry(variable("v"), applied=False)
    assert (coming.applied, coming.initial) == ("", {})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("/srv/My_Project", "srv-my-project"),
        ("https://git.example.org/team/etl.git", "https-git-example-org-team-etl-git"),
        ("///", "project"),
    ],
)
def test_names_become_keys(name: str, key: str) -> None:
    assert slug(name) == key
