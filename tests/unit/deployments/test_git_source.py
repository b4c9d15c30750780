from __future__ import annotations

import base64
from pathlib import Path

import pytest

from deployments.deployments_utils import DeployError
from deployments.git_source import GitSource, _authorization


def test_a_path_becomes_an_address_that_means_the_same_everywhere(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.parent)
    assert GitSource.parse(repository.name, "main").url == repository.as_uri()


def test_a_clone_holds_the_branch_and_knows_its_commit(repository: Path, tmp_path: Path) -> None:
    clone = GitSource.parse(repository.as_uri(), "main").clone(tmp_path / "clone")
    assert (clone.destination / "deployments" / "examples.yaml").is_file()
    head = (repository / ".git" / "refs" / "heads" / "main").read_text().strip()
    assert clone.commit == head


@pytest.mark.parametrize(
    ("repository", "branch", "words"),
    [
        ("https://user:token@example.com/a.git", "main", "--access-token-block"),
        ("https://token@example.com/a.git", "main", "DEPLOY_GIT_TOKEN"),
        ("", "main", "--repository"),
        ("--upload-pack=x", "main", "--repository"),
        ("https://example.com/a.git", "--help", "--branch"),
        ("https://example.com/a.git", "", "--branch"),
    ],
)
def test_what_git_or_an_onlooker_would_misuse_is_refused(
    repository: str, branch: str, words: str
) -> None:
    with pytest.raises(DeployError, match=words) as error:
        GitSource.parse(repository, branch)
    assert "token@" not in str(error.value)


def test_a_user_in_an_ssh_address_is_no_secret() -> None:
    address = "ssh://git@example.com/a.git"
    assert GitSource.parse(address, "main").url == address
    assert GitSource.parse("git@example.com:a.git", "main").url == "git@example.com:a.git"


def test_secrets_are_references_in_the_pull_step() -> None:
    url = "https://example.com/a.git"
    [step] = GitSource.parse(url, "main", token_block="ours").pull_steps()
    assert step["prefect.deployments.steps.git_clone"] == {
        "repository": url,
        "branch": "main",
        "access_token": "{{ prefect.blocks.secret.ours }}",
    }
    [step] = GitSource.parse(url, "x", credentials_block="github-credentials/ours").pull_steps()
    clone = step["prefect.deployments.steps.git_clone"]
    assert clone["credentials"] == "{{ prefect.blocks.github-credentials.ours }}"


def test_a_block_without_its_type_is_refused() -> None:
    with pytest.raises(DeployError, match="type/name"):
        GitSource.parse("https://example.com/a.git", "main", credentials_block="ours")


def test_a_token_goes_to_its_repository_only_and_only_over_https(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    settings = _authorization("https://example.com/a.git", "secret")
    assert settings["GIT_CONFIG_COUNT"] == "3"
    assert settings["GIT_CONFIG_KEY_2"] == "http.https://example.com/a.git.extraHeader"
    encoded = settings["GIT_CONFIG_VALUE_2"].removeprefix("Authorization: Basic ")
    assert base64.b64decode(encoded) == b"oauth2:secret"
    assert _authorization("http://example.com/a.git", "secret") == {}
    assert _authorization("https://example.com/a.git", None) == {}


def test_the_token_is_not_in_the_configuration_of_the_clone(
    repository: Path, tmp_path: Path
) -> None:
    clone = GitSource.parse(str(repository), "main").clone(tmp_path / "clone", token="secret")
    assert "secret" not in (clone.path / ".git" / "config").read_text()
