from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import OperatorError
from appliance.operations import config

pytestmark = pytest.mark.usefixtures("no_prefect_variables")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "zoe.toml"
    path.write_text("worker_limit = 3\n")
    monkeypatch.setenv("ZOE_CONFIG", str(path))
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path / "run"))
    return path


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert config.show(as_json=True) == 0
    text = capsys.readouterr().out
    assert "hidden" not in text
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def test_values_and_their_origins(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOE_PORT", "8080")
    monkeypatch.setenv("ZOE_COMPONENTS", "server,worker")
    found = rows(capsys)
    assert found["port"] == {"value": 8080, "origin": "ZOE_PORT in the environment"}
    assert found["worker_limit"] == {"value": 3, "origin": str(file)}
    assert found["host"] == {"value": "0.0.0.0", "origin": "default"}  # noqa: S104
    assert found["components"]["value"] == "server,worker"
    assert found["database"]["value"] == "sqlite"
    assert found["PREFECT_WORKER_QUERY_SECONDS"] == {"value": "2", "origin": "Zoe's choice"}


def test_secrets_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("hidden")
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("ZOE_DATABASE", "postgresql://u:hidden@db/prefect")
    for name in (
        "PREFECT_API_KEY",
        "PREFECT_CLIENT_CUSTOM_HEADERS",
        "PREFECT_REDIS_MESSAGING_PASSWORD",
        "PREFECT_SERVER_EVENTS_MESSAGING_URL",
    ):
        monkeypatch.setenv(name, "hidden")
    found = rows(capsys)
    assert found["database"] == {"value": config.MASK, "origin": "ZOE_DATABASE in the environment"}
    assert found["admin_password"]["value"] == config.MASK
    assert found["encryption_key"] == {"value": None, "origin": "default"}
    assert found["PREFECT_API_KEY"] == {"value": config.MASK, "origin": "environment"}


@pytest.mark.parametrize("name", ["PREFECT_WORKER_QUERY_SECONDS", "DO_NOT_TRACK"])
def test_operator_s_own_value_is_shown_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(name, "7")
    assert rows(capsys)[name] == {"value": "7", "origin": "environment"}


def test_for_a_person(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    assert config.show(as_json=False) == 0
    text = capsys.readouterr().out
    assert f"  3  ({file})\n" in text
    assert "None" not in text


def test_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.check() == 0
    assert capsys.readouterr().out == "the configuration is valid\n"
    assert not (tmp_path / "data").exists()
    monkeypatch.setenv("ZOE_DATA_DIR", str(_blocked(tmp_path)))
    with pytest.raises(OperatorError, match="is not a directory"):
        config.check()


def _blocked(tmp_path: Path) -> Path:
    path = tmp_path / "a-file"
    path.touch()
    return path
