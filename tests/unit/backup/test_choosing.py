from __future__ import annotations

from pathlib import Path

import pytest

from appliance.backup.choosing import Chosen, choose, passphrase_of, target_of
from appliance.errors import OperatorError
from appliance.layout import Layout
from tests.unit.support import make_settings

OLD, NEW = "zoe-20261101T030000Z.tar.gz", "zoe-20261102T030000Z.tar.gz"
SAVED = "zoe-20261103T030000Z-before-restore.tar.gz"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def fill(directory: Path, *names: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).write_text(name)


def chosen(given: str | None, layout: Layout) -> Chosen:
    found = choose(given, make_settings(), layout)
    with found.open() as source:
        assert source.read().decode() == found.name
    return found


def test_the_target_is_the_data_directory_s_own_or_the_one_given(layout: Layout) -> None:
    assert str(target_of(make_settings(), layout)) == str(layout.backups)
    assert str(target_of(make_settings(backup_target="/mnt/b"), layout)) == "/mnt/b"
    assert str(target_of(make_settings(backup_target="s3://bucket/p"), layout)) == "s3://bucket/p"


def test_passphrase() -> None:
    assert passphrase_of(make_settings()) is None
    assert passphrase_of(make_settings(backup_passphrase="secret")) == "secret"


def test_without_a_name_it_is_the_newest_without_a_label(layout: Layout) -> None:
    fill(layout.backups, SAVED)
    assert chosen(None, layout).name == SAVED
    fill(layout.backups, NEW, OLD)
    assert chosen(None, layout).name == NEW


def test_by_name_or_by_path(layout: Layout, tmp_path: Path) -> None:
    fill(layout.backups, NEW)
    fill(tmp_path / "elsewhere", OLD, "renamed.tar.gz")
    assert chosen(NEW, layout).place == str(layout.backups)
    assert chosen(str(tmp_path / "elsewhere" / OLD), layout).place == str(tmp_path / "elsewhere")
    # Under any name, where it is given by its path.
    assert chosen(str(tmp_path / "elsewhere" / "renamed.tar.gz"), layout).name == "renamed.tar.gz"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "there is no backup yet"),
        (NEW, f"there is no archive {NEW}"),
        (f"/nowhere/{NEW}", f"there is no archive /nowhere/{NEW}"),
    ],
)
def test_one_that_is_not_there_is_said(given: str | None, words: str, layout: Layout) -> None:
    with pytest.raises(OperatorError) as caught:
        choose(given, make_settings(), layout)
    assert caught.value.what == words
