"""What a first start copies, and that nothing half-made is left under the final name."""

from __future__ import annotations

import io
import os
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from appliance.database import postgres, templates
from appliance.errors import OperatorError, WorldError


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


def test_templates_fit_what_they_were_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "prefect-3.8.8.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "absent.zip"), str(site)])
    made = tmp_path / "templates"
    assert not templates.fit(made)
    monkeypatch.setattr(templates, "_build_sqlite", lambda target: target.touch())
    monkeypatch.setattr(templates, "_build_postgres", lambda _, target: target.touch())
    monkeypatch.setattr(postgres, "find_bin_dir", lambda _: tmp_path)
    templates.build(made)
    assert templates.fit(made)
    # A collection of Prefect's that somebody installs brings block types with it.
    (site / "prefect_aws-0.5.0.dist-info").mkdir()
    assert not templates.fit(made)


def test_a_template_is_unpacked_by_a_python_that_knows_no_filters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 3.11.2, which is Debian 12's."""
    make_archive(tmp_path / "t" / templates.SQLITE_TEMPLATE, {"prefect.db": b"schema"})
    unpack = tarfile.TarFile.extractall

    def of_old(archive: tarfile.TarFile, path: str) -> None:
        unpack(archive, path, filter="data")

    monkeypatch.delattr(tarfile, "data_filter")
    monkeypatch.setattr(tarfile.TarFile, "extractall", of_old)
    database = tmp_path / "data" / "prefect.db"
    assert templates.install_sqlite(tmp_path / "t", database)
    assert database.read_bytes() == b"schema"


def test_a_host_without_postgres_gets_the_template_of_sqlite_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_: Path | None) -> Path:
        raise OperatorError("PostgreSQL's server programs are not installed")

    monkeypatch.setattr(templates, "_build_sqlite", lambda target: target.touch())
    monkeypatch.setattr(postgres, "find_bin_dir", nowhere)
    templates.build(tmp_path)
    assert templates.fit(tmp_path)
    assert not (tmp_path / templates.POSTGRES_TEMPLATE).exists()


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


def test_what_a_killed_try_has_left_is_removed(tmp_path: Path) -> None:
    make_archive(tmp_path / "t" / templates.SQLITE_TEMPLATE, {"prefect.db": b"x"})
    make_archive(tmp_path / "t" / templates.POSTGRES_TEMPLATE, {"PG_VERSION": b"17\n"})
    data = tmp_path / "data"
    left = [
        data / "database" / f".{templates.SQLITE_TEMPLATE}.abc",
        data / f".{templates.POSTGRES_TEMPLATE}.abc",
        data / ".postgres.abc",
    ]
    for directory in left:
        directory.mkdir(parents=True)
        (directory / "half").write_bytes(b"x")
    templates.install_sqlite(tmp_path / "t", data / "database" / "prefect.db")
    bin_dir = programs(tmp_path / "bin", version="17.4")
    templates.install_postgres(tmp_path / "t", data / "postgres", bin_dir)
    assert not any(directory.exists() for directory in left)
    assert (data / "postgres" / "PG_VERSION").exists()


def test_postgres_template_of_another_version_is_not_used(tmp_path: Path) -> None:
    make_archive(tmp_path / "t" / templates.POSTGRES_TEMPLATE, {"PG_VERSION": b"17\n"})
    bin_dir = programs(tmp_path / "bin", version="15.1", initdb="echo 'no space left' >&2; exit 1")
    data = tmp_path / "postgres"
    with pytest.raises(WorldError, match="initdb failed: no space left"):
        templates.install_postgres(tmp_path / "t", data, bin_dir)
    assert not data.exists()


def test_a_database_is_on_the_disk_before_it_has_its_name_and_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the order can be seen here: what a power cut leaves, a test cannot."""
    make_archive(tmp_path / "t" / templates.SQLITE_TEMPLATE, {"prefect.db": b"x"})
    make_archive(tmp_path / "t" / templates.POSTGRES_TEMPLATE, {"PG_VERSION": b"17\n"})
    data = tmp_path / "data"
    seen: list[list[str]] = []

    def look(_: Path) -> None:
        seen.append(
            sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())
        )

    monkeypatch.setattr(templates, "sync_file_system", look)
    templates.install_sqlite(tmp_path / "t", data / "database" / "prefect.db")
    bin_dir = programs(tmp_path / "bin", version="17.4")
    templates.install_postgres(tmp_path / "t", data / "postgres", bin_dir)
    (before, named), (also_before, also_named) = seen[:2], seen[2:]
    assert before[0].startswith("database/.sqlite.tar.gz.")
    assert named == ["database/prefect.db"]
    assert any(name.startswith(".postgres.tar.gz.") for name in also_before)
    assert also_named == ["database/prefect.db", "postgres/PG_VERSION"]


def test_initdb_finds_a_name_for_a_user_who_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    script = 'cat "$ZOE_RUNTIME_DIR/passwd" >&2; exit 1'
    bin_dir = programs(tmp_path / "bin", version="15.1", initdb=script)
    with pytest.raises(WorldError, match="initdb failed: zoe:x:54321:"):
        templates.make_cluster(bin_dir, tmp_path / "postgres")
