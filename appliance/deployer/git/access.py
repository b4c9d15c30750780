"""What git and ssh are given to reach repositories: secrets in files of our own, and nothing else.

No secret is in an argument, in the environment or in a repository's configuration. What the user
has configured for git elsewhere on the machine is not looked at.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

from appliance.errors import OperatorError
from appliance.files import make_private_dir, write_atomically
from appliance.settings import Settings, git_address
from appliance.settings.git_address import GitAddress
from appliance.settings.model import ENV_PREFIX

# What they may need of our own environment.
PASSED = frozenset({"HOME", "PATH", "TMPDIR", "no_proxy", "NO_PROXY"})
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"})
# A token in place of a password; GitHub, GitLab and Gitea take any name with it.
TOKEN_USER = "token"  # noqa: S105 - the name of a user
CONNECT_SECONDS = 15


def addresses_of(settings: Settings) -> dict[str, GitAddress]:
    """Return the projects that are in repositories, by what the settings call them."""
    return {
        project: git_address.parse(project)
        for project in settings.projects
        if git_address.is_address(project)
    }


def check(settings: Settings) -> None:
    """Refuse what could be shown to no repository.

    Raises:
        OperatorError: See `prepare`.
    """
    addresses = addresses_of(settings).values()
    if not addresses:
        return
    if settings.git_token:
        credentials(settings.git_token.get_secret_value(), addresses)
    for name in ("git_ssh_key_file", "git_known_hosts_file", "git_ca_file"):
        if path := getattr(settings, name):
            _readable(path, f"{ENV_PREFIX}{name.upper()}")


def prepare(
    settings: Settings, addresses: Iterable[GitAddress], private: Path, known_hosts: Path
) -> dict[str, str]:
    """Write the files with what the settings give, and return all that git has as its environment.

    Args:
        settings: Token, key and certificates.
        addresses: Of all projects.
        private: The directory for the files, not on a disk where there is a better place.
        known_hosts: Where ssh notes the keys of hosts that it has seen, if the settings name no
            file with them.

    Raises:
        OperatorError: One of them cannot be read, or does not tell which host it is for.
    """
    make_private_dir(private)
    configuration = private / "config"
    lines = _configuration(settings, tuple(addresses), private)
    write_atomically(configuration, "".join(f"{line}\n" for line in lines))
    return {
        **{name: value for name, value in os.environ.items() if name in PASSED | PROXIES},
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh",
        # A file and no arguments: git does not hand these on to the git that serves a directory.
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": _ssh(settings, private, known_hosts),
    }


def _configuration(
    settings: Settings, addresses: tuple[GitAddress, ...], private: Path
) -> Iterable[str]:
    """Yield the lines of git's configuration, as git-config(1) has them."""
    yield from ("[core]", "hooksPath = /dev/null")
    # A repository that is mounted belongs to somebody else.
    yield from ("[safe]", "directory = *")
    # Nothing of it goes on behind our back, with the lock that it has inherited.
    yield from ("[gc]", "autoDetach = false", "[maintenance]", "autoDetach = false")
    # One that has come to a standstill is given up.
    yield from ("[http]", "lowSpeedLimit = 1000", "lowSpeedTime = 30")
    if settings.git_ca_file:
        path = _readable(settings.git_ca_file, "ZOE_GIT_CA_FILE")
        yield f"sslCAInfo = {_quoted(str(path))}"
    if settings.git_token:
        file = private / "credentials"
        lines = credentials(settings.git_token.get_secret_value(), addresses)
        write_atomically(file, "".join(f"{line}\n" for line in lines))
        helper = f"store --file={shlex.quote(str(file))}"
        yield from ("[credential]", f"helper = {_quoted(helper)}")


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def credentials(given: str, addresses: Iterable[GitAddress]) -> list[str]:
    """Return the lines of git's file of credentials, as git-credential-store(1) has them.

    Args:
        given: One token, for the one host from which projects come by https; or such lines.
        addresses: Of all projects.

    Raises:
        OperatorError: A token for several hosts.
    """
    if "://" in given:
        lines = [line.strip() for line in given.splitlines() if line.strip()]
        for number, line in enumerate(lines, 1):
            parts = urlsplit(line)
            if parts.scheme != "https" or not parts.hostname or not parts.password:
                raise OperatorError(
                    f"line {number} is not of the form https://USER:TOKEN@HOST",
                    where="ZOE_GIT_TOKEN",
                )
        return lines
    hosts = sorted({address.host for address in addresses if address.scheme == "https"})
    if len(hosts) > 1:
        raise OperatorError(
            f"there is one token for {' and '.join(hosts)}, and each would see it",
            where="ZOE_GIT_TOKEN",
            remedy="give it a line https://USER:TOKEN@HOST for each of them",
        )
    return [f"https://{TOKEN_USER}:{quote(given.strip(), safe='')}@{host}" for host in hosts]


def _ssh(settings: Settings, private: Path, known_hosts: Path) -> str:
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
        "UpdateHostKeys": "no",
    }
    words = ["ssh", "-F", os.devnull]
    if settings.git_known_hosts_file:
        file = _readable(settings.git_known_hosts_file, "ZOE_GIT_KNOWN_HOSTS_FILE")
        options |= {"UserKnownHostsFile": str(file), "StrictHostKeyChecking": "yes"}
    else:
        make_private_dir(known_hosts.parent)
        options |= {"UserKnownHostsFile": str(known_hosts), "StrictHostKeyChecking": "accept-new"}
    if settings.git_ssh_key_file:
        key = private / "key"
        # A copy: ssh refuses one that others may read, as where it was mounted.
        write_atomically(
            key, _readable(settings.git_ssh_key_file, "ZOE_GIT_SSH_KEY_FILE").read_bytes()
        )
        options["IdentitiesOnly"] = "yes"
        words += ["-i", str(key)]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return shlex.join(words)


def _readable(path: Path, setting: str) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be read: {error.strerror}",
            where=setting,
            remedy=f"give it to uid {os.getuid()}",
        ) from None
