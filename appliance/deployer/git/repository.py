"""One repository on this machine: fetched into one place, a directory of files for each commit.

A checkout appears whole or not at all, has no `.git` and is never written again: runs start in it
while the next commit comes into its own.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from appliance import trees
from appliance.deployer.git import remote
from appliance.deployer.git.command import Git
from appliance.errors import WorldError
from appliance.files import make_private_dir, sync_file_system
from appliance.settings.git_address import GitAddress

DIGEST_LENGTH = 12
ASK_SECONDS = 30.0
FETCH_SECONDS = 1800.0
UNFINISHED = ".new"
# Where what was fetched stands in our repository.
_OURS = "refs/zoe/head"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Repository:
    """A repository and its checkouts.

    Attributes:
        address: Where it is; the subdirectory is of no concern here.
        directory: Ours alone.
        environment: All that git has; see `appliance.deployer.git.access`.
        beat: Called every few seconds while git works.
    """

    address: GitAddress
    directory: Path
    environment: Mapping[str, str]
    beat: Callable[[], None]

    @classmethod
    def below(
        cls,
        parent: Path,
        address: GitAddress,
        environment: Mapping[str, str],
        beat: Callable[[], None],
    ) -> Repository:
        """Return that of an address; projects in several of its directories share it."""
        whole = replace(address, subdirectory="")
        digest = sha256(f"{whole.url}@{whole.ref}".encode()).hexdigest()[:DIGEST_LENGTH]
        return cls(whole, parent / f"{whole.repository}-{digest}", environment, beat)

    @property
    def state_file(self) -> Path:
        """Which of its commits are in use."""
        return self.directory / "state.json"

    def checkout(self, commit: str) -> Path:
        """Return the directory of a commit, there or not."""
        return self.directory / commit

    def checkouts(self) -> list[str]:
        """Return the commits that are there."""
        try:
            names = [path.name for path in self.directory.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if _COMMIT.fullmatch(name))

    def fetch(self) -> str:
        """Fetch what the address names now, and see to a checkout of it; return its commit.

        Raises:
            WorldError: It cannot be had; what was there before is there still.
        """
        make_private_dir(self.directory)
        with self._git() as git:
            if self.address.is_commit:
                commit, name = self.address.ref, self.address.ref
            else:
                commit, name = self._ask(git)
            if not self.checkout(commit).is_dir():
                try:
                    commit = self._fetch(git, name)
                    self._check_out(git, commit)
                except WorldError:
                    # A repository that was hurt, by a power cut say, would fail for ever.
                    if not self._store.is_dir():
                        raise
                    shutil.rmtree(self._store)
                    commit = self._fetch(git, name)
                    self._check_out(git, commit)
        return commit

    def remove(self, commit: str) -> None:
        """Remove a checkout, first its name: half of one is none."""
        dying = self.directory / f"{UNFINISHED}-{commit}"
        with suppress(FileNotFoundError):
            self.checkout(commit).rename(dying)
        trees.remove(dying)

    @property
    def _store(self) -> Path:
        return self.directory / "repository.git"

    @contextmanager
    def _git(self) -> Iterator[Git]:
        """Have the repository for ourselves: a git of a deployer that was killed may be at work."""
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WorldError(f"{self.address.url} is still being fetched") from None
            for left in self.directory.glob(f"{UNFINISHED}*"):
                trees.remove(left)
            for left in self._store.rglob("*.lock"):
                left.unlink(missing_ok=True)
            yield Git(self.environment, self.address.url, self.address.host, self.beat, lock)
        finally:
            os.close(lock)

    def _ask(self, git: Git) -> tuple[str, str]:
        ref = self.address.ref
        listing = git.run(
            *("ls-remote", "--", self.address.url, *remote.names_of(ref)),
            seconds=ASK_SECONDS,
            directory=self._store,
        )
        found = remote.commit_of(listing, ref)
        if found is None:
            what = f"neither branch nor tag '{ref}'" if ref else "no commit"
            hint = (
                "a commit is named by all its 40 digits"
                if re.fullmatch("[0-9a-f]{6,39}", ref)
                else ""
            )
            raise WorldError(f"{self.address.url} has {what}", remedy=hint)
        return found

    def _fetch(self, git: Git, name: str) -> str:
        if not self._store.is_dir():
            git.run("init", "--quiet", seconds=ASK_SECONDS, directory=self._store)
            # What submodules with a relative address are relative to.
            git.run(
                *("remote", "add", "origin", self.address.url),
                seconds=ASK_SECONDS,
                directory=self._store,
            )
        git.run(
            *("fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--update-shallow"),
            *("--no-recurse-submodules", "--no-write-fetch-head"),
            *("origin", f"+{name}:{_OURS}"),
            seconds=FETCH_SECONDS,
            directory=self._store,
        )
        commit = git.run(
            *("rev-parse", "--verify", f"{_OURS}^{{commit}}"),
            seconds=ASK_SECONDS,
            directory=self._store,
        )
        return commit.strip()

    def _check_out(self, git: Git, commit: str) -> None:
        if self.checkout(commit).is_dir():
            return
        files = self.directory / f"{UNFINISHED}-{commit}"
        make_private_dir(files)
        # Of an earlier commit: it would tell git that files are there.
        (self._store / "index").unlink(missing_ok=True)
        git.run(
            *("checkout", "--quiet", "--force", "--detach", commit),
            seconds=FETCH_SECONDS,
            directory=self._store,
            worktree=files,
        )
        if (files / ".gitmodules").is_file():
            git.run(
                *(
                    "submodule",
                    "--quiet",
                    "update",
                    "--init",
                    "--recursive",
                    "--force",
                    "--depth=1",
                ),
                seconds=FETCH_SECONDS,
                directory=self._store,
                worktree=files,
            )
        _remove_traces_of_git(files)
        trees.freeze(files)
        sync_file_system(files)
        files.rename(self.checkout(commit))


def _remove_traces_of_git(root: Path) -> None:
    """Remove what leads from a submodule's files to its repository."""
    for parent, _, names in os.walk(root):
        if ".git" in names:
            Path(parent, ".git").unlink()
