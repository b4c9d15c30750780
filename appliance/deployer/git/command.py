"""Run git, with a limit, signs of life meanwhile, and an error that helps."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.deployer import attended
from appliance.errors import WorldError

# What git, ssh and TLS libraries say, and what is the matter. The first that is found counts.
REASONS = (
    (r"Permission denied \(", "{host} refuses our key; see ZOE_GIT_SSH_KEY_FILE"),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
        "{host} shows another key than the one known of it; see ZOE_GIT_KNOWN_HOSTS_FILE",
    ),
    (
        r"could not read Username|Authentication failed|Access denied|returned error: 40[13]",
        "{host} wants credentials, or refuses ours; see ZOE_GIT_TOKEN_FILE",
    ),
    (
        r"certificate",
        "the certificate of {host} is not to be trusted; see ZOE_GIT_CA_FILE",
    ),
    (r"[Nn]ot found|does not appear to be a git repository|does not exist", "there is no {url}"),
    (r"not our ref|unadvertised object", "{host} gives no such commit; name a branch or a tag"),
    (r"Could not resolve host(?:name)?:? ([^\s:]+)", "there is no host {host}"),
    (r"timed out|Connection refused|Failed to connect|unreachable", "{host} does not answer"),
)


@dataclass(frozen=True)
class Git:
    """Git for one repository.

    Attributes:
        environment: All that it has.
        url: The repository's address, for messages.
        host: Its host, for messages.
        beat: Called every few seconds while it works.
        lock: A descriptor that git's own children inherit, which keeps a lock of ours for as long
            as they work, even if we die.
    """

    environment: Mapping[str, str]
    url: str
    host: str
    beat: Callable[[], None]
    lock: int

    def run(
        self, *arguments: str, seconds: float, directory: Path, worktree: Path | None = None
    ) -> str:
        """Run one command and return what it printed.

        Args:
            arguments: The command and its arguments.
            seconds: After so many it is ended.
            directory: The repository; need not be there for a command that looks elsewhere.
            worktree: Where its files are.

        Raises:
            WorldError: It failed.
        """
        environment = {**self.environment, "GIT_DIR": str(directory)}
        if worktree is not None:
            environment["GIT_WORK_TREE"] = str(worktree)
        if self.url.startswith("file:"):
            environment["GIT_ALLOW_PROTOCOL"] += ":file"
        try:
            process = subprocess.Popen(
                ["git", *arguments],
                cwd=worktree or directory.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=(self.lock,),
                start_new_session=True,
            )
        except FileNotFoundError:
            raise WorldError("there is no git on this machine", remedy="install git") from None
        try:
            output, errors = attended.output_of(process, seconds, self.beat)
        except TimeoutError:
            raise WorldError(f"{self.url} was not fetched within {seconds:g} s") from None
        if process.returncode:
            raise WorldError(reason(errors, self.url, self.host))
        return output


def reason(errors: str, url: str, host: str) -> str:
    """Return in words of ours why git has failed.

    Args:
        errors: What it printed.
        url: The repository's address.
        host: Its host.
    """
    for pattern, words in REASONS:
        if re.search(pattern, errors):
            return words.format(host=host or url, url=url)
    said = [line.removeprefix("fatal: ").removeprefix("error: ") for line in errors.splitlines()]
    # The last line is often advice.
    marked = [line for line in errors.splitlines() if line.startswith(("fatal: ", "error: "))]
    last = (marked[-1].partition(": ")[2] if marked else "") or (said[-1] if said else "no word")
    return f"git cannot fetch {url}: {last}"
