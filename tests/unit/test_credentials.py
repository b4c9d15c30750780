from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from appliance import credentials
from appliance.errors import OperatorError
from appliance.layout import Layout
from tests.unit.support import make_settings

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def test_generated_once_and_kept(layout: Layout) -> None:
    settings = make_settings()
    before = os.umask(0)
    try:
        credentials.ensure(settings, layout)
    finally:
        os.umask(before)
    first = credentials.read(settings, layout)
    credentials.ensure(settings, layout)
    assert credentials.read(settings, layout) == first
    # Whatever the umask was.
    assert mode(layout.secrets_dir) == 0o700
    assert mode(layout.admin_password) == mode(layout.encryption_key) == 0o600

    assert first.auth_string
    user, _, password = first.auth_string.get_secret_value().partition(":")
    assert user == "admin"
    assert len(password) >= 32
    assert first.encryption_key
    assert len(base64.urlsafe_b64decode(first.encryption_key.get_secret_value())) == 32


def test_two_appliances_have_different_secrets(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        layout = Layout(tmp_path / name)
        credentials.ensure(make_settings(), layout)
        found.append(layout.admin_password.read_text() + layout.encryption_key.read_text())
    assert found[0] != found[1]


def test_given_ones_win_and_nothing_is_generated(layout: Layout) -> None:
    settings = make_settings(admin_user="ada", admin_password="given:one", encryption_key=KEY)
    credentials.ensure(settings, layout)
    assert list(layout.secrets_dir.iterdir()) == []
    found = credentials.read(settings, layout)
    assert found.auth_string
    assert found.auth_string.get_secret_value() == "ada:given:one"
    assert found.encryption_key
    assert found.encryption_key.get_secret_value() == KEY


def test_given_one_does_not_replace_the_kept_one(layout: Layout) -> None:
    credentials.ensure(make_settings(), layout)
    kept = layout.admin_password.read_text()
    credentials.ensure(make_settings(admin_password="for now"), layout)
    assert layout.admin_password.read_text() == kept


def test_without_auth_there_is_no_password(layout: Layout) -> None:
    settings = make_settings(auth=False)
    credentials.ensure(settings, layout)
    assert not layout.admin_password.exists()
    found = credentials.read(settings, layout)
    assert found.auth_string is None
    assert found.encryption_key


def test_extra_worker_has_the_server_s_password_and_no_key(layout: Layout) -> None:
    remote = {"components": "worker", "api_url": "https://zoe.example.org/api"}
    credentials.ensure(make_settings(**remote), layout)
    assert not layout.data.exists()
    found = credentials.read(make_settings(**remote, admin_password="the server's"), layout)
    assert found.auth_string
    assert found.auth_string.get_secret_value() == "admin:the server's"
    assert found.encryption_key is None
    assert credentials.read(make_settings(**remote, auth=False), layout).auth_string is None
    with pytest.raises(OperatorError, match=r"no password for the server https://zoe.example.org"):
        credentials.read(make_settings(**remote), layout)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "cannot be read: it is not UTF-8 text"),
    ],
)
def test_kept_secret_that_is_of_no_use(layout: Layout, content: bytes | None, words: str) -> None:
    credentials.ensure(make_settings(), layout)
    layout.admin_password.unlink()
    if content is not None:
        layout.admin_password.write_bytes(content)
    with pytest.raises(OperatorError) as caught:
        credentials.read(make_settings(), layout)
    assert f"the secret {layout.admin_password} {words}" in caught.value.line()
    assert "ZOE_ADMIN_PASSWORD_FILE" in caught.value.line()


def test_key_that_may_be_lost_is_not_made_anew(layout: Layout) -> None:
    credentials.ensure(make_settings(), layout, with_key=False)
    assert layout.admin_password.exists()
    assert not layout.encryption_key.exists()
    assert credentials.encryption_key(make_settings(), layout) is None
    assert credentials.encryption_key(make_settings(encryption_key=KEY), layout) == KEY
    credentials.ensure(make_settings(), layout)
    kept = layout.encryption_key.read_text().strip()
    assert credentials.encryption_key(make_settings(), layout) == kept


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), (KEY[:20], "is not a key"), (KEY * 2, "is not a key")]
)
def test_damaged_key(layout: Layout, content: str, words: str) -> None:
    layout.secrets_dir.mkdir(parents=True)
    layout.encryption_key.write_text(content)
    with pytest.raises(OperatorError) as caught:
        credentials.encryption_key(make_settings(), layout)
    assert f"the secret {layout.encryption_key} {words}" in caught.value.line()
    assert "ZOE_ENCRYPTION_KEY_FILE" in caught.value.line()


def test_secrets_do_not_show_in_a_repr(layout: Layout) -> None:
    found = credentials.read(make_settings(admin_password="hidden", encryption_key=KEY), layout)
    assert "hidden" not in repr(found)
    assert KEY not in repr(found)


def test_what_is_missing_is_what_neither_a_setting_gives_nor_a_file(layout: Layout) -> None:
    both = [layout.admin_password, layout.encryption_key]
    assert credentials.missing(make_settings(), layout) == both
    assert credentials.missing(make_settings(auth=False), layout) == both[1:]
    assert credentials.missing(make_settings(encryption_key=KEY), layout) == both[:1]
    given = make_settings(admin_password="given")
    found = credentials.read(given, layout, without=credentials.missing(given, layout))
    assert found.auth_string is not None
    assert found.encryption_key is None
    credentials.ensure(make_settings(), layout)
    assert credentials.missing(make_settings(), layout) == []
