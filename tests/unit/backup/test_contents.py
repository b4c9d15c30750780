"""What goes into an archive besides the database."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appliance import credentials, stamp
from appliance.backup import contents
from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.worker.ledger import Ledger
from tests.unit.support import make_settings

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    config = tmp_path / "zoe.toml"
    config.write_text("port = 4300\n")
    monkeypatch.setenv("ZOE_CONFIG", str(config))
    layout = Layout(tmp_path / "data")
    layout.data.mkdir()
    credentials.ensure(make_settings(), layout)
    stamp.write(layout)
    for path in (
        layout.results / "a" / "b",
        layout.prefect_home / "concurrency_leases" / "lease",
        layout.prefect_home / "memo_store.toml",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    return layout


def staged_files(layout: Layout, tmp_path: Path, **values: str) -> dict[str, str]:
    staged = tmp_path / "staged"
    staged.mkdir()
    contents.stage(make_settings(**values), layout, staged)
    return {
        path.relative_to(staged).as_posix(): path.read_text()
        for path in staged.rglob("*")
        if path.is_file()
    }


def test_everything_that_a_new_machine_needs(layout: Layout, tmp_path: Path) -> None:
    found = staged_files(layout, tmp_path)
    assert set(found) == {
        "prefect/concurrency_leases/lease",
        "results/a/b",
        "secrets/admin_password",
        "secrets/encryption_key",
        "settings/settings.json",
        "settings/zoe.toml",
        "zoe.json",
    }
    assert found["secrets/encryption_key"] == layout.encryption_key.read_text()
    assert found["settings/zoe.toml"] == "port = 4300\n"
    assert contents.size(layout) == len("b" + "lease" + "memo_store.toml")


def test_secrets_given_by_settings_are_in_it_too(layout: Layout, tmp_path: Path) -> None:
    layout.encryption_key.unlink()
    found = staged_files(layout, tmp_path, admin_password="given", encryption_key=KEY)
    assert found["secrets/admin_password"] == "given\n"
    assert found["secrets/encryption_key"] == KEY + "\n"


def test_without_its_key_there_is_no_backup(layout: Layout, tmp_path: Path) -> None:
    layout.encryption_key.unlink()
    with pytest.raises(OperatorError, match="encryption_key"):
        staged_files(layout, tmp_path)


def test_settings_are_shown_without_secrets(layout: Layout, tmp_path: Path) -> None:
    found = staged_files(
        layout,
        tmp_path,
        database="postgresql://zoe:hidden@db/prefect",
        admin_password="hidden",
        backup_passphrase="hidden",
    )
    text = found["settings/settings.json"]
    settings = json.loads(text)
    assert "hidden" not in text
    assert settings["database"] == "postgresql://…"
    assert settings["admin_password"] is True
    assert settings["encryption_key"] is False
    assert settings["port"] == 4200


def test_links_and_pipes_are_left_out(layout: Layout, tmp_path: Path) -> None:
    (layout.results / "link").symlink_to("/etc/passwd")
    (layout.results / "elsewhere").symlink_to("/etc")
    os.mkfifo(layout.results / "pipe")
    found = staged_files(layout, tmp_path)
    assert {name for name in found if name.startswith("results/")} == {"results/a/b"}


def test_the_ledgers_identity_is_in_it_and_its_entries_are_not(
    layout: Layout, tmp_path: Path
) -> None:
    ledger = Ledger(layout.ledger)
    ledger.note("a-run")
    found = staged_files(layout, tmp_path)
    assert {name: text for name, text in found.items() if name.startswith("worker")} == {
        "worker/ledger": ledger.identity
    }
