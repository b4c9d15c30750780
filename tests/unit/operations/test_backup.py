"""`zoe backup` as an operator sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance import cli, credentials
from appliance.backup import encryption
from appliance.layout import Layout
from tests.unit.backup.databases import REVISION, make_database
from tests.unit.support import make_settings


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(encryption, "SCRYPT_LOG2_N", 4)
    layout = Layout(tmp_path / "data")
    layout.data.mkdir()
    credentials.ensure(make_settings(), layout)
    make_database(layout.sqlite_file)
    return layout


def zoe(*words: str) -> int:
    return cli.main(["backup", *words])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert zoe(*words, "--json") == 0
    return json.loads(said(capsys))


@pytest.mark.usefixtures("layout")
def test_create_list_verify_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "list") == []
    made = as_json(capsys, "create")
    assert made["engine"] == "sqlite"
    assert made["revision"] == REVISION
    assert (made["runs"], made["rows"]) == (3, 6)
    (row,) = as_json(capsys, "list")
    assert (
        row.items()
        >= {
            "name": made["name"],
            "made_at": made["made_at"],
            "size": made["size"],
            "label": "",
            "encrypted": False,
            "runs": 3,
            "problem": None,
        }.items()
    )
    assert as_json(capsys, "verify").items() >= {"name": made["name"], "ok": True}.items()


def test_create_list_verify_prune_for_people(
    layout: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert zoe("list") == 0
    assert said(capsys) == f"there is no backup in {layout.backups} yet\n"
    assert zoe("create") == 0
    assert "MB, sqlite, 3 runs" in said(capsys)
    assert zoe("create") == 0
    newest = said(capsys).partition(":")[0]
    assert zoe("list") == 0
    lines = said(capsys).splitlines()
    assert len(lines) == 2
    assert "plain      sqlite    3 runs" in lines[1]
    assert zoe("verify", newest) == 0
    assert said(capsys).startswith(f"{newest}: all ")
    monkeypatch.setenv("ZOE_BACKUP_KEEP", "1")
    assert zoe("prune") == 0
    assert said(capsys) == f"removed {lines[0].split()[0]}\n"
    assert [str(path) for path in layout.backups.iterdir()] == [newest]


def test_a_flipped_byte_is_caught(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoe("create") == 0
    (path,) = layout.backups.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    capsys.readouterr()
    assert zoe("verify") == 1
    assert capsys.readouterr().err.startswith(f"zoe: the archive {path.name} is damaged: ")


def test_one_that_cannot_be_read_does_not_hide_the_others(
    layout: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_BACKUP_PASSPHRASE", "correct horse")
    made = as_json(capsys, "create")
    assert as_json(capsys, "list")[0]["runs"] == 3
    monkeypatch.delenv("ZOE_BACKUP_PASSPHRASE")
    (layout.backups / "zoe-20200101T000000Z.tar.gz").write_bytes(b"rubbish")
    as_json(capsys, "create")
    broken, sealed, plain = as_json(capsys, "list")
    assert "is damaged" in broken["problem"]
    assert sealed["encrypted"] is True
    assert sealed["problem"] == f"{made['name']} is encrypted"
    assert plain["problem"] is None
    assert zoe("verify", made["name"]) == 2
    monkeypatch.setenv("ZOE_BACKUP_PASSPHRASE", "wrong")
    assert zoe("verify", made["name"]) == 2
    assert "the passphrase does not open" in capsys.readouterr().err


@pytest.mark.usefixtures("layout")
def test_nothing_to_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert zoe("verify") == 2
    assert "there is no backup yet" in capsys.readouterr().err
