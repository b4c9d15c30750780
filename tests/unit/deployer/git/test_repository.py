"""Repositories are fetched with the real git, from a directory and over https."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from appliance.deployer.git import access
from appliance.deployer.git.repository import UNFINISHED, Repository
from appliance.errors import WorldError
from appliance.settings.git_address import parse
from tests.support import certificates
from tests.support.git_origin import Origin, served, served_by_ssh
from tests.unit.support import NOBODY, free_port, make_settings

TOKEN = "hidden/of a test"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    found = Origin(tmp_path / "origin")
    found.commit({"flows/f.py": "print(1)\n"})
    return found


def repository(tmp_path: Path, address: str, **values: Any) -> Repository:
    parsed = parse(address)
    given = access.prepare(
        make_settings(**values), [parsed], tmp_path / "private", tmp_path / "known_hosts"
    )
    return Repository.below(tmp_path / "projects", parsed, given, lambda: None)


def test_a_checkout_per_commit_that_nobody_may_write(tmp_path: Path, origin: Origin) -> None:
    ours = repository(tmp_path, origin.url)
    first = ours.fetch()
    assert (ours.checkout(first) / "flows/f.py").read_text() == "print(1)\n"
    second_there = origin.commit({"flows/f.py": "print(2)\n", "run.sh": "#!/bin/sh\n"})
    second = ours.fetch()
    assert second == second_there
    assert ours.checkouts() == sorted([first, second])
    # The older one is as it was.
    assert (ours.checkout(first) / "flows/f.py").read_text() == "print(1)\n"
    for parent, directories, files in os.walk(ours.checkout(second)):
        assert ".git" not in {*directories, *files}
        for name in (".", *files):
            assert not (Path(parent, name).stat().st_mode & 0o222)
    assert ours.fetch() == second

    ours.remove(first)
    assert ours.checkouts() == [second]
    ours.remove(first)
    assert not list(ours.directory.glob(f"{UNFINISHED}*"))


def test_branch_tag_commit_and_default(tmp_path: Path, origin: Origin) -> None:
    first = origin.git("rev-parse", "HEAD")
    origin.git("tag", "--annotate", "--message=a tag", "v1")
    # A branch whose name ends like another's, and one with the name of a tag.
    origin.git("checkout", "--quiet", "-b", "team/main")
    other = origin.commit({"other": "x"})
    origin.git("branch", "v1")
    origin.git("checkout", "--quiet", "main")
    second = origin.commit({"second": "x"})
    expected = {"": second, "main": second, "team/main": other, "v1": first, first: first}
    for ref, commit in expected.items():
        assert repository(tmp_path, f"{origin.url}@{ref}" if ref else origin.url).fetch() == commit


def test_a_commit_needs_no_second_look(tmp_path: Path, origin: Origin) -> None:
    commit = origin.git("rev-parse", "HEAD")
    ours = repository(tmp_path, f"{origin.url}@{commit}")
    assert ours.fetch() == commit
    origin.root.rename(tmp_path / "moved")
    assert ours.fetch() == commit


def test_history_that_was_rewritten_is_followed(tmp_path: Path, origin: Origin) -> None:
    ours = repository(tmp_path, origin.url)
    origin.commit({"f": "1"})
    first = ours.fetch()
    origin.git("reset", "--quiet", "--hard", "HEAD~1")
    second = origin.commit({"f": "2"})
    assert ours.fetch() == second != first
    origin.git("reset", "--quiet", "--hard", first)
    assert ours.fetch() == first


def test_submodules_also_by_a_relative_address(tmp_path: Path, origin: Origin) -> None:
    inner = Origin(tmp_path / "inner")
    inner.commit({"in.py": "1"})
    middle = Origin(tmp_path / "middle")
    middle.git("submodule", "--quiet", "add", "../inner", "in")
    middle.commit({"mid.py": "1"})
    origin.git("submodule", "--quiet", "add", "../middle", "libs/mid")
    origin.commit({})
    ours = repository(tmp_path, origin.url)
    first = ours.checkout(ours.fetch())
    assert (first / "libs/mid/mid.py").is_file()
    assert (first / "libs/mid/in/in.py").is_file()
    assert not list(first.rglob(".git"))

    inner.commit({"in.py": "2"})
    origin.git("-C", "libs/mid/", "submodule", "--quiet", "update", "--init", "--remote")
    origin.git("-C", "libs/mid/", "-c", "user.name=A", "commit", "--quiet", "-am", "newer")
    middle.git("fetch", "--quiet", str(origin.root / "libs/mid"), "HEAD:refs/heads/newer")
    origin.commit({})
    second = ours.checkout(ours.fetch())
    assert (second / "libs/mid/in/in.py").read_text() == "2"
    assert (first / "libs/mid/in/in.py").read_text() == "1"


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("absent", "has neither branch nor tag 'absent'"),
        ("abcdef0", "a commit is named by all its 40 digits"),
        ("0" * 40, "gives no such commit; name a branch or a tag"),
    ],
)
def test_what_is_not_there(tmp_path: Path, origin: Origin, ref: str, words: str) -> None:
    ours = repository(tmp_path, f"{origin.url}@{ref}")
    with pytest.raises(WorldError) as caught:
        ours.fetch()
    assert words in caught.value.line()
    assert ours.checkouts() == []


def test_what_cannot_be_reached_leaves_what_is_there(tmp_path: Path, origin: Origin) -> None:
    ours = repository(tmp_path, origin.url)
    commit = ours.fetch()
    origin.root.rename(tmp_path / "moved")
    with pytest.raises(WorldError, match="there is no file://"):
        ours.fetch()
    assert ours.checkouts() == [commit]
    with pytest.raises(WorldError, match="does not answer"):
        repository(tmp_path, f"https://127.0.0.1:{free_port()}/x.git").fetch()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_mounted_repository_of_somebody_else(tmp_path: Path, origin: Origin) -> None:
    for path in (origin.root, *origin.root.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    assert repository(tmp_path, origin.url).fetch()


def test_what_a_death_leaves_behind_is_mended(tmp_path: Path, origin: Origin) -> None:
    ours = repository(tmp_path, origin.url)
    ours.fetch()
    commit = origin.commit({"more": "x"})
    half = ours.directory / f"{UNFINISHED}-{commit}"
    (half / "deep").mkdir(parents=True)
    (half / "deep").chmod(0o555)
    (ours.directory / "repository.git/shallow.lock").touch()
    assert ours.fetch() == commit
    assert (ours.checkout(commit) / "more").is_file()
    assert not half.exists()
    # A disk that has lost what git wrote.
    for path in (ours.directory / "repository.git/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")
    commit = origin.commit({"even more": "x"})
    assert ours.fetch() == commit
    assert (ours.checkout(commit) / "even more").is_file()


def test_a_git_of_a_dead_deployer_is_not_disturbed(tmp_path: Path, origin: Origin) -> None:
    ours = repository(tmp_path, origin.url)
    ours.directory.mkdir(parents=True)
    with (ours.directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(WorldError, match="is still being fetched"):
            ours.fetch()
    assert ours.fetch()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return certificates.write(tmp_path, "git")


def test_over_https_with_a_token_and_an_authority_of_ones_own(
    tmp_path: Path, origin: Origin, certificate: tuple[Path, Path]
) -> None:
    library = Origin(tmp_path / "library")
    library.commit({"lib.py": "1"})
    origin.git("submodule", "--quiet", "add", "../library", "lib")
    commit = origin.commit({})
    trusted = {"git_ca_file": certificate[0]}
    with served(tmp_path, certificate, "token", TOKEN) as port:
        address = f"https://127.0.0.1:{port}/origin"
        for values, words in (
            ({}, "see ZOE_GIT_CA_FILE"),
            (trusted, "see ZOE_GIT_TOKEN_FILE"),
            ({**trusted, "git_token": "another"}, "see ZOE_GIT_TOKEN_FILE"),
        ):
            with pytest.raises(WorldError, match=words):
                repository(tmp_path, address, **values).fetch()
        with pytest.raises(WorldError, match="there is no https://"):
            repository(
                tmp_path, f"https://127.0.0.1:{port}/absent.git", **trusted, git_token=TOKEN
            ).fetch()
        ours = repository(tmp_path, address, **trusted, git_token=TOKEN)
        assert ours.fetch() == commit
        assert (ours.checkout(commit) / "lib/lib.py").is_file()
    written = [path for path in ours.directory.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if b"hidden" in path.read_bytes()]
    assert stat.S_IMODE((tmp_path / "private/credentials").stat().st_mode) == 0o600
    assert not any("hidden" in value for value in ours.environment.values())


def key(path: Path) -> Path:
    """Make a key pair, as `ssh-keygen` does."""
    made = asyncssh.generate_private_key("ssh-ed25519")
    made.write_private_key(str(path))
    made.write_public_key(str(path.with_suffix(".pub")))
    # As it is where it was mounted; ssh itself would refuse it.
    path.chmod(0o644)
    return path


def test_over_ssh_with_a_key_and_only_to_the_host_that_it_was(
    tmp_path: Path, origin: Origin
) -> None:
    mine, another, of_host, of_impostor = (
        key(tmp_path / name) for name in ("mine", "another", "host", "impostor")
    )
    commit = origin.git("rev-parse", "HEAD")
    with served_by_ssh(tmp_path, of_host, mine) as port:
        address = f"ssh://git@127.0.0.1:{port}/origin"
        for values in ({}, {"git_ssh_key_file": another}):
            with pytest.raises(WorldError, match="see ZOE_GIT_SSH_KEY_FILE"):
                repository(tmp_path, address, **values).fetch()
        ours = repository(tmp_path, address, git_ssh_key_file=mine)
        assert ours.fetch() == commit
        assert (ours.checkout(commit) / "flows/f.py").is_file()
        noted = (tmp_path / "known_hosts").read_text().split()[-1]
        assert noted == of_host.with_suffix(".pub").read_text().split()[1]

        listed = tmp_path / "listed"
        listed.write_text(f"[127.0.0.1]:{port} {of_impostor.with_suffix('.pub').read_text()}")
        values = {"git_ssh_key_file": mine, "git_known_hosts_file": listed}
        with pytest.raises(WorldError, match="see ZOE_GIT_KNOWN_HOSTS_FILE"):
            repository(tmp_path, address, **values).fetch()
        listed.write_text("")
        with pytest.raises(WorldError, match="see ZOE_GIT_KNOWN_HOSTS_FILE"):
            repository(tmp_path, address, **values).fetch()
