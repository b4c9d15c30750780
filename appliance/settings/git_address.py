"""The address of a project in a git repository: `URL@REF#SUBDIRECTORY`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

SCHEMES = frozenset({"https", "http", "ssh", "file"})
# As git and ssh have it, without a scheme: `git@example.org:team/flows.git`.
_SCP_LIKE = re.compile(r"(?P<host>(?:[^/@:\s]+@)?[^/@:\s]+):(?P<path>(?!//)\S+)")
# What no name of a branch, tag or commit holds. (git-check-ref-format(1))
_NO_REF = re.compile(r"^-|^/|/$|\.\.|@\{|//|\.lock$|\.$|[\s~^:?*\[\\\x00-\x1f\x7f]")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class GitAddress:
    """Where a project is in which repository.

    Attributes:
        url: The repository's, as git takes it.
        ref: A branch, a tag or a commit; empty for what the repository checks out by default.
        subdirectory: The project's directory in it; empty for its root.
    """

    url: str
    ref: str
    subdirectory: str

    @property
    def scheme(self) -> str:
        """How it is fetched: https, http, ssh or file."""
        return urlsplit(self.url).scheme if "://" in self.url else "ssh"

    @property
    def host(self) -> str:
        """The host and, where it is given, the port; empty for a file."""
        if "://" not in self.url:
            return self.url.partition(":")[0].rpartition("@")[2]
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def repository(self) -> str:
        """The repository's name: the last part of its path."""
        path = self.url.rpartition(":")[2] if "://" not in self.url else urlsplit(self.url).path
        return PurePosixPath(path).name.removesuffix(".git")

    @property
    def is_commit(self) -> bool:
        """Whether it names a commit, which never changes."""
        return _COMMIT.fullmatch(self.ref) is not None


def is_address(text: str) -> bool:
    """Tell whether a project is in a repository, and not a directory."""
    return "://" in text or (not text.startswith("/") and bool(_SCP_LIKE.fullmatch(text)))


def parse(text: str) -> GitAddress:
    """Read an address.

    Raises:
        ValueError: It is none; with the rest of the sentence "ZOE_PROJECTS ...".
    """
    whole, _, subdirectory = text.partition("#")
    if "://" in whole:
        url, ref = _parse_url(whole, text)
    else:
        found = _SCP_LIKE.fullmatch(whole)
        if found is None:
            raise ValueError(f"'{text}' is not the address of a git repository")
        path, _, ref = found["path"].partition("@")
        url = f"{found['host']}:{path}"
    if whole.endswith("@") or (ref and _NO_REF.search(ref)):
        raise ValueError(f"'{text}' names '{ref}', which cannot be a branch, a tag or a commit")
    parts = PurePosixPath(subdirectory).parts
    if subdirectory.startswith("/") or ".." in parts:
        raise ValueError(f"'{text}' leaves its repository with '#{subdirectory}'")
    return GitAddress(url, ref, "/".join(parts))


def _parse_url(whole: str, text: str) -> tuple[str, str]:
    try:
        parts = urlsplit(whole)
        has_port = parts.port != 0
    except ValueError:
        raise ValueError("holds a URL that is not well-formed") from None
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        # Not a word of what it says.
        raise ValueError("holds a URL with credentials; set ZOE_GIT_TOKEN_FILE instead")
    if parts.scheme not in SCHEMES:
        raise ValueError(f"'{text}' is fetched by none of {', '.join(sorted(SCHEMES))}")
    if parts.query or not has_port or bool(parts.hostname) == (parts.scheme == "file"):
        raise ValueError(f"'{text}' is not the address of a git repository")
    path, _, ref = parts.path.partition("@")
    if not path.strip("/"):
        raise ValueError(f"'{text}' names no repository")
    return f"{parts.scheme}://{parts.netloc}{path}", ref
