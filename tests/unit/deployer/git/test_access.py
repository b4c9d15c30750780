from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from appliance.deployer.git.access import check, credentials, prepare
from appliance.errors import OperatorError
from appliance.settings.git_address import parse
from tests.unit.support import make_settings

ONE = [parse("https://a.example.org/x"), parse("git@b.example.org:x")]
TWO = [*ONE, parse("https://c.example.org:8443/x")]


def test_one_token_for_the_one_host_that_wants_it() -> None:
    assert credentials("a/b+c", ONE) == ["https://token:a%2Fb%2Bc@a.example.org"]
    assert credentials("t", [parse("http://a.example.org/x")]) == []


def test_no_host_sees_another_one_s() -> None:
    with pytest.raises(OperatorError, match=r"a\.example\.org and c\.example\.org") as caught:
        credentials("hidden", TWO)
    assert "hidden" not in caught.value.line()


def test_a_line_for_each_host() -> None:
    lines = ["https://me:t@a.example.org", "https://token:t@c.example.org:8443"]
    assert credentials("\n".join([*lines, ""]), TWO) == lines


@pytest.mark.parametrize("line", ["http://me:hidden@a", "https://hidden@a", "https://a"])
def test_what_is_no_such_line_is_told_by_its_number(line: str) -> None:
    with pytest.raises(OperatorError, match="line 2 is not of the form") as caught:
        credentials(f"https://me:t@a\n{line}", TWO)
    assert "hidden" not in caught.value.line()


def test_what_is_shown_lies_in_private_copies(tmp_path: Path) -> None:
    key, hosts, authorities = (tmp_path / name for name in ("key", "hosts", 'c"a \\.pem'))
    for path in (key, hosts, authorities):
        path.write_text("hidden")
        path.chmod(0o644)
    settings = make_settings(
        git_token="hidden",
        git_ssh_key_file=key,
        git_known_hosts_file=hosts,
        git_ca_file=authorities,
    )
    given = prepare(settings, ONE, tmp_path / "private", tmp_path / "known_hosts")
    copies = sorted((tmp_path / "private").iterdir())
    assert [path.name for path in copies] == ["config", "credentials", "key"]
    assert "hidden" not in copies[0].read_text()
    assert not any("hidden" in value for value in given.values())
    assert {stat.S_IMODE(path.stat().st_mode) for path in copies} == {0o600}
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700
    ssh = given["GIT_SSH_COMMAND"]
    assert f"-i {tmp_path}/private/key" in ssh
    assert f"UserKnownHostsFile={hosts}" in ssh
    assert "StrictHostKeyChecking=yes" in ssh
    read = subprocess.run(
        ["git", "config", "--global", "--list"],
        env=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert f"http.sslcainfo={authorities}" in read
    assert f"credential.helper=store --file={copies[1]}" in read


def test_the_first_key_of_a_host_is_noted(tmp_path: Path) -> None:
    given = prepare(make_settings(), ONE, tmp_path / "private", tmp_path / "new" / "known_hosts")
    assert "StrictHostKeyChecking=accept-new" in given["GIT_SSH_COMMAND"]
    assert (tmp_path / "new").is_dir()


@pytest.mark.parametrize("setting", ["git_ssh_key_file", "git_known_hosts_file", "git_ca_file"])
def test_a_file_that_is_not_there(tmp_path: Path, setting: str) -> None:
    settings = make_settings(**{setting: tmp_path / "absent"})
    with pytest.raises(OperatorError, match=f"ZOE_{setting.upper()}"):
        prepare(settings, ONE, tmp_path / "private", tmp_path / "known_hosts")


@pytest.mark.parametrize(
    ("projects", "is_refused"),
    [
        ("https://a.example.org/x,https://b.example.org/x", True),
        ("https://a.example.org/x,https://a.example.org/y", False),
        ("/srv/flows", False),
    ],
)
def test_it_is_looked_at_before_anything_starts(projects: str, is_refused: bool) -> None:
    settings = make_settings(projects=projects, git_token="t")
    if not is_refused:
        check(settings)
        return
    with pytest.raises(OperatorError, match="ZOE_GIT_TOKEN"):
        check(settings)


def test_a_file_that_is_not_there_keeps_zoe_from_starting(tmp_path: Path) -> None:
    values = {"projects": "git@a.example.org:x", "git_ssh_key_file": tmp_path / "absent"}
    with pytest.raises(OperatorError, match="ZOE_GIT_SSH_KEY_FILE"):
        check(make_settings(**values))
    check(make_settings(**{**values, "projects": "/srv/flows"}))
