from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from appliance.deployer.given import GivenError, Reference, holds_secret, plain, resolve

ENVIRON = {"URL": "https://hidden", "ZOE_ADMIN_PASSWORD": "hidden"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text", "text"),
        (None, None),
        ({"env": "URL"}, SecretStr("https://hidden")),
        ({"file": "secret"}, SecretStr("of a file")),
        ({"block": "secret/db"}, Reference("secret/db")),
        ({"literal": {"env": "URL"}}, {"env": "URL"}),
        ({"env": "URL", "other": 1}, {"env": "URL", "other": 1}),
        ({"env": 1}, {"env": 1}),
        (
            {"headers": [{"Authorization": {"env": "URL"}}]},
            {"headers": [{"Authorization": SecretStr("https://hidden")}]},
        ),
    ],
)
def test_sources(tmp_path: Path, value: Any, found: Any) -> None:
    (tmp_path / "secret").write_text("of a file\n")
    assert resolve(value, tmp_path, ENVIRON) == found


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"env": "ABSENT"}, "ABSENT, which is not set"),
        ({"env": "ZOE_ADMIN_PASSWORD"}, "a setting of Zoe"),
        ({"file": "absent"}, "absent, which cannot be read: No such file"),
        ({"file": "."}, "cannot be read: Is a directory"),
        ({"file": "binary"}, "which is no text"),
        ({"block": "db"}, "it is named by type/name"),
    ],
)
def test_what_cannot_be_had(tmp_path: Path, value: Any, words: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(GivenError, match=words):
        resolve(value, tmp_path, ENVIRON)


def test_secrets_are_told_from_the_rest() -> None:
    value = {"a": [1, {"b": SecretStr("x")}], "c": Reference("s/x")}
    assert holds_secret(value)
    assert not holds_secret({"a": [1, "x", Reference("s/x")]})
    assert plain(value) == {"a": [1, {"b": "x"}], "c": Reference("s/x")}
    assert "x" not in repr(value["a"])
