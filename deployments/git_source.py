"""A branch of a git repository: cloned once to read what it declares, pulled anew by every run."""

from __future__ import annotations

import base64
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deployments.deployments_utils import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_VARIABLE = "DEPLOY_GIT_TOKEN"  # noqa: S105  # the name of a variable, not a token
USERNAME_VARIABLE = "DEPLOY_GIT_USERNAME"


@dataclass(frozen=True)
class GitSource:
    """Where the flows come from.

    Attributes:
        url: The repository, without any credentials in it.
        branch: The branch (or tag) that runs shall use.
        token_block: The name of a Secret block on the server that holds an access token.
        credentials_block: A block with git credentials, as `type/name`.
    """

    url: str
    branch: str
    token_block: str | None = None
    credentials_block: str | None = None

    @classmethod
    def parse(
        cls,
        repository: str,
        branch: str,
        *,
        token_block: str | None = None,
        credentials_block: str | None = None,
    ) -> GitSource:
        """Take what the user gave, or refuse it.

        Args:
            repository: A URL that git understands, or a path on this machine.
            branch: A branch or tag.
            token_block: The name of a Secret block with an access token.
            credentials_block: A block with git credentials, as `type/name`.

        Raises:
            DeployError: If the URL holds a password, or git would take a value for an option.
        """
        if not branch or branch.startswith("-"):
            raise DeployError(
                f"--branch {branch!r} is not the name of a branch: give one, like main."
            )
        if not repository or repository.startswith("-"):
            raise DeployError(f"--repository {repository!r} is neither a URL nor a path: give one.")
        parts = urlsplit(repository)
        if parts.password or (parts.username and parts.scheme in {"http", "https"}):
            raise DeployError(
                "--repository holds a user or token, which everybody could read in the deployments:"
                " give the URL without it, the token for this script in the environment variable"
                f" {TOKEN_VARIABLE}, and the one for the runs with --access-token-block."
            )
        if credentials_block is not None and not all(credentials_block.partition("/")):
            raise DeployError(
                f"--credentials-block {credentials_block!r} doesn't name a block: give it as"
                " type/name, like github-credentials/ours."
            )
        local = Path(repository)
        if not parts.scheme and local.exists():
            # A worker starts elsewhere: a relative path would mean nothing to it.
            repository = local.resolve().as_uri()
        return cls(repository, branch, token_block, credentials_block)

    def pull_steps(self) -> list[dict[str, Any]]:
        """Give the step that makes a run clone this branch.

        Secrets go in as references to blocks: the server resolves them when the run asks.
        """
        step = {"repository": self.url, "branch": self.branch}
        if self.token_block is not None:
            step["access_token"] = f"{{{{ prefect.blocks.secret.{self.token_block} }}}}"
        if self.credentials_block is not None:
            block = self.credentials_block.replace("/", ".", 1)
            step["credentials"] = f"{{{{ prefect.blocks.{block} }}}}"
        return [{"prefect.deployments.steps.git_clone": step}]

    def clone(self, target: Path, *, token: str | None = None) -> Clone:
        """Clone the branch, without history.

        Args:
            target: The directory to make.
            token: An access token, if the repository needs one.

        Raises:
            DeployError: If git can't; says what git said.
        """
        command = ["git", "clone", "--quiet", "--depth", "1", "--branch", self.branch]
        environment = {**os.environ, **_git_settings(), **_authorization(self.url, token)}
        result = _run([*command, "--", self.url, str(target)], environment)
        if result.returncode:
            said = _last_line(result.stderr)
            if "Remote branch" in said:
                raise DeployError(
                    f"The repository {self.url} has no branch {self.branch!r}, set by --branch:"
                    " push it, or name one that exists."
                )
            raise DeployError(
                f"git cannot clone {self.url}, set by --repository: {said}. Check the address, and"
                f" {TOKEN_VARIABLE} (or git's own credentials) if the repository is private."
            )
        commit = _run(["git", "-C", str(target), "rev-parse", "HEAD"], environment).stdout.strip()
        return Clone(target, commit, self)


@dataclass
class Clone:
    """A clone of a source, in the form in which Prefect takes code from a storage.

    Attributes:
        path: Where it is.
        commit: What it holds.
        source: Where it came from, and runs shall take it from.
    """

    path: Path
    commit: str
    source: GitSource

    def set_base_path(self, path: Path) -> None:
        """Ignore it: the code is there already, once for all deployments."""

    @property
    def pull_interval(self) -> int | None:
        """Nothing to pull again."""
        return None

    @property
    def destination(self) -> Path:
        """Where the code is."""
        return self.path

    async def pull_code(self) -> None:
        """Do nothing: the code is there already."""

    def to_pull_step(self) -> list[dict[str, Any]]:
        """Give the steps by which a run gets the code."""
        return self.source.pull_steps()


def _git_settings() -> dict[str, str]:
    # In a pipeline nobody answers questions, and the messages are looked at below.
    return {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        "LC_ALL": "C",
    }


def _authorization(url: str, token: str | None) -> dict[str, str]:
    """Hand git a token by its environment: neither `ps` nor the clone's configuration shows it."""
    if not token or urlsplit(url).scheme != "https":
        return {}
    username = os.environ.get(USERNAME_VARIABLE, "oauth2")
    basic = base64.b64encode(f"{username}:{token}".encode()).decode()
    count = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{url}.extraHeader",
        f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {basic}",
    }


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, errors="replace"
        )
    except FileNotFoundError:
        raise DeployError("git is not installed on this machine: install it.") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return ((telling or lines or ["git gave no reason"])[0]).rstrip(".")
