from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.errors import OperatorError, WorldError
from appliance.image import base, debian, docker
from appliance.image.debian import Mirror


def test_the_official_images_exclusions_are_handed_to_dpkg() -> None:
    command = base.mmdebstrap_command(Path("/w/base.tar"), None, None)
    assert command[:3] == ["mmdebstrap", "--variant=minbase", "--include=ca-certificates"]
    for rule in debian.PATH_RULES:
        assert f"--dpkgopt={rule}" in command
    assert command[-2:] == ["trixie", "/w/base.tar"]


def test_the_hosts_mirror_and_keyring_are_used() -> None:
    mirror = Mirror("http://m.example/debian", "http://m.example/security")
    command = base.mmdebstrap_command(Path("b.tar"), mirror, Path("/k.gpg"))
    assert "--keyring=/k.gpg" in command
    assert command[-3:] == mirror.sources()


def test_the_private_apt_reads_no_configuration_of_the_host() -> None:
    text = base.private_apt_configuration(Path("/w/apt"), 'Acquire::Retries "5";\n')
    assert 'Dir::State "/w/apt/state";' in text
    assert 'Dir::Cache "/w/apt/cache";' in text
    assert 'Dir::Etc::parts "/dev/null";' in text
    assert text.endswith('Acquire::Retries "5";\n')


def test_unpacked_programs_find_their_parts(tmp_path: Path) -> None:
    modules = tmp_path / "usr/share/perl/5.36"
    modules.mkdir(parents=True)
    library = tmp_path / "usr/lib/x86_64-linux-gnu/libperl.so.5.36"
    library.parent.mkdir(parents=True)
    library.touch()
    before = {"PATH": "/bin", "HOME": "/root"}
    after = base.private_environment(before, tmp_path)
    assert after["PATH"].split(os.pathsep)[0] == str(tmp_path / "usr/bin")
    assert after["PATH"].endswith(f"{os.pathsep}/bin")
    assert str(modules) in after["PERL5LIB"].split(os.pathsep)
    assert after["LD_LIBRARY_PATH"] == str(library.parent)
    assert after["HOME"] == "/root"
    assert before == {"PATH": "/bin", "HOME": "/root"}


def test_a_failure_quotes_the_first_reason_and_depends_on_who_ran_it() -> None:
    log = "I: running apt-get update...\nE: no such mirror\nE: mmdebstrap failed to run\n"
    failed = base.failure(log, Path("base.log"), superuser=True)
    assert isinstance(failed, WorldError)
    assert "no such mirror" in failed.line()
    refused = base.failure(log, Path("base.log"), superuser=False)
    assert isinstance(refused, OperatorError)
    assert "sudo" in refused.line()
    assert "docker load" in refused.line()
    assert "\n" not in refused.line()


def test_an_image_that_is_there_is_never_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docker, "image_id", lambda _: "sha256:1")
    monkeypatch.setattr(docker, "pull", pytest.fail)
    monkeypatch.setattr(base, "make", pytest.fail)
    base.ensure(tmp_path)
    assert "here already" in capsys.readouterr().out


def test_without_a_registry_it_is_made_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(docker, "image_id", lambda _: None)
    monkeypatch.setattr(docker, "pull", lambda _name, _limit: "no such host")
    monkeypatch.setattr(base, "make", made.append)
    base.ensure(tmp_path)
    assert made == [tmp_path]
    assert "from Debian's packages instead (no such host)" in capsys.readouterr().out


def test_a_pulled_image_is_not_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docker, "image_id", lambda _: None)
    monkeypatch.setattr(docker, "pull", lambda _name, _limit: None)
    monkeypatch.setattr(base, "make", pytest.fail)
    base.ensure(tmp_path)


def test_a_system_without_apt_is_told_the_other_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match=r"without apt-get.*docker load"):
        base.make(tmp_path)
