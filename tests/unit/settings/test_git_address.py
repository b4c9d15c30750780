from __future__ import annotations

import pytest

from appliance.settings.git_address import GitAddress, is_address, parse


@pytest.mark.parametrize(
    ("text", "address", "scheme", "host", "repository"),
    [
        (
            "https://git.example.org/team/flows.git",
            GitAddress("https://git.example.org/team/flows.git", "", ""),
            "https",
            "git.example.org",
            "flows",
        ),
        (
            "https://git.example.org:8443/team/flows@feature/x#etl/daily",
            GitAddress("https://git.example.org:8443/team/flows", "feature/x", "etl/daily"),
            "https",
            "git.example.org:8443",
            "flows",
        ),
        (
            "ssh://git@example.org/team/flows.git@v1.2",
            GitAddress("ssh://git@example.org/team/flows.git", "v1.2", ""),
            "ssh",
            "example.org",
            "flows",
        ),
        (
            "git@example.org:team/flows.git@main#./etl/",
            GitAddress("git@example.org:team/flows.git", "main", "etl"),
            "ssh",
            "example.org",
            "flows",
        ),
        ("file:///srv/flows.git", GitAddress("file:///srv/flows.git", "", ""), "file", "", "flows"),
    ],
)
def test_addresses(text: str, address: GitAddress, scheme: str, host: str, repository: str) -> None:
    assert is_address(text)
    assert parse(text) == address
    assert (address.scheme, address.host, address.repository) == (scheme, host, repository)


@pytest.mark.parametrize("text", ["/srv/flows", "/srv/a:b", "relative", "relative/path"])
def test_a_directory_is_no_address(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize("ref", ["a" * 40, "0" * 64])
def test_a_commit_is_told_from_a_branch(ref: str) -> None:
    assert parse(f"https://h/r@{ref}").is_commit
    assert not parse(f"https://h/r@{ref[:7]}").is_commit


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://user:hidden@h/r", "set ZOE_GIT_TOKEN_FILE"),
        ("https://hidden@h/r", "set ZOE_GIT_TOKEN_FILE"),
        ("ssh://git:hidden@h/r", "set ZOE_GIT_TOKEN_FILE"),
        ("git://h/r", "fetched by none of file, http, https, ssh"),
        ("ext::sh -c x://h/r", "fetched by none of"),
        ("https:///r", "not the address of a git repository"),
        ("https://h:0/r", "not the address of a git repository"),
        ("https://h:port/r", "not well-formed"),
        ("https://h/r?x=1", "not the address of a git repository"),
        ("file://h/r", "not the address of a git repository"),
        ("https://h/", "names no repository"),
        ("https://h/r@", "cannot be a branch"),
        ("https://h/r@--upload-pack=x", "cannot be a branch"),
        ("https://h/r@a b", "cannot be a branch"),
        ("https://h/r@a..b", "cannot be a branch"),
        ("https://h/r#../x", "leaves its repository"),
        ("https://h/r#/etc", "leaves its repository"),
        ("nothing", "not the address of a git repository"),
    ],
)
def test_what_is_no_address_is_refused_without_its_secret(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse(text)
    assert "hidden" not in str(caught.value)
