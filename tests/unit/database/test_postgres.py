from __future__ import annotations

from pathlib import Path

import pytest

from appliance.database import postgres
from appliance.errors import OperatorError


def install(directory: Path) -> Path:
    directory.mkdir(parents=True)
    (directory / "postgres").touch(0o755)
    return directory


@pytest.fixture
def well_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's directories, without what is installed on this machine."""
    patterns = (f"{tmp_path}/postgresql/*/bin", f"{tmp_path}/pgsql-*/bin")
    monkeypatch.setattr(postgres, "WELL_KNOWN_BIN_DIRS", patterns)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def test_newest_of_several_is_found(well_known: Path) -> None:
    install(well_known / "postgresql/9/bin")
    install(well_known / "postgresql/15/bin")
    newest = install(well_known / "pgsql-17/bin")
    (well_known / "postgresql/18/bin").mkdir(parents=True)
    assert postgres.find_bin_dir(None) == newest


def test_path_is_the_last_resort(well_known: Path) -> None:
    on_path = install(well_known / "path")
    assert postgres.find_bin_dir(None) == on_path
    known = install(well_known / "postgresql/15/bin")
    assert postgres.find_bin_dir(None) == known


def test_named_directory_wins_and_must_hold_it(well_known: Path) -> None:
    install(well_known / "postgresql/17/bin")
    named = install(well_known / "mine")
    assert postgres.find_bin_dir(named) == named
    with pytest.raises(OperatorError, match="there is no program postgres in /nowhere"):
        postgres.find_bin_dir(Path("/nowhere"))


def test_nothing_is_installed(well_known: Path) -> None:
    del well_known
    with pytest.raises(OperatorError, match="server programs are not installed here"):
        postgres.find_bin_dir(None)


def test_nothing_but_the_socket_is_listened_on() -> None:
    command = postgres.server_command(Path("/bin"), Path("/data"), Path("/run/pg"))
    assert "listen_addresses=" in command
    assert "unix_socket_directories=/run/pg" in command
    assert "unix_socket_permissions=0700" in command
    # An answer that was given must survive a power cut.
    assert {"fsync=on", "synchronous_commit=on"} <= set(command)


@pytest.mark.parametrize(("version", "builtin"), [(15, False), (16, False), (17, True), (18, True)])
def test_collation_that_no_upgrade_of_the_system_changes(version: int, builtin: bool) -> None:
    command = postgres.initdb_command(Path("/bin"), Path("/data"), version)
    assert ("--locale-provider=builtin" in command) is builtin
    assert "--data-checksums" in command
