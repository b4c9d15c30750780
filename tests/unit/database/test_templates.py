"""What a first start copies, and that nothing half-made is left under the final name."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from appliance.database import templates
from appliance.errors import WorldError


def make_archive(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return path


def programs(directory: Path, *, version: str, initdb: str = "exit 1") -> Path:
    """PostgreSQL's programs, as far as their version and their failure go."""
    directory.mkdir()
    for name, script in {
        "postgres": f"echo 'postgres (PostgreSQL) {version} (Debian {version}-1)'",
        "initdb": initdb,
    }.items():
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return directory


def test_sqlite_is_copied_once(tmp_path: Path) -> None:
    make_archive(tmp_path / "t" / templates.SQLITE_TEMPLATE, {"prefect.db": b"template"})
    database = tmp_path / "data" / "database" / "prefect.db"
    assert templates.install_sqlite(tmp_path / "t", database)
    assert database.read_bytes() == b"template"
    assert list(database.parent.iterdir()) == [database]
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700
    database.write_bytes(b"with data")
    assert not templates.install_sqlite(tmp_path / "t", database)
    assert database.read_bytes() == b"with data"


def test_sqlite_without_a_template_is_left_to_the_server(tmp_path: Path) -> None:
    database = tmp_path / "database" / "prefect.db"
    assert not templates.install_sqlite(tmp_path / "absent", database)
    assert database.parent.is_dir()
    assert not database.exists()


def test_torn_template_leaves_no_database(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "t" / templates.SQLITE_TEMPLATE, {"prefect.db": bytes(range(256)) * 4000}
    )
    archive.write_bytes(archive.read_bytes()[:-200])
    database = tmp_path / "database" / "prefect.db"
    with pytest.raises((EOFError, tarfile.TarError)):
        templates.install_sqlite(tmp_path / "t", database)
    assert not database.exists()


def test_postgres_template_of_the_same_major_version(tmp_path: Path) -> None:
    make_archive(
        tmp_path / "t" / templates.POSTGRES_TEMPLATE, {"PG_VERSION": b"17\n", "base/1": b"x"}
    )
    bin_dir = programs(tmp_path / "bin", version="17.4")
    data = tmp_path / "postgres"
    assert templates.install_postgres(tmp_path / "t", data, bin_dir)
    assert (data / "base/1").read_bytes() == b"x"
    assert not templates.install_postgres(tmp_path / "t", data, bin_dir)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "postgres", "t"]


def test_postgres_template_of_another_version_is_not_used(tmp_path: Path) -> None:
    make_archive(tmp_path / "t" / templates.POSTGRES_TEMPLATE, {"PG_VERSION": b"17\n"})
    bin_dir = programs(tmp_path / "bin", version="15.1", initdb="echo 'no space left' >&2; exit 1")
    data = tmp_path / "postgres"
    with pytest.raises(WorldError, match="initdb failed: no space left"):
        templates.install_postgres(tmp_path / "t", data, bin_dir)
    assert not data.exists()
