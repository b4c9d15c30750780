from __future__ import annotations

from pathlib import Path

import pytest

from appliance.deployer import attended
from appliance.deployer.environments import uv
from appliance.deployer.environments.uv import Uv, reason
from appliance.errors import WorldError


def test_what_an_operator_says_of_indexes_reaches_uv_and_what_is_ours_does_not() -> None:
    given = {
        "UV_DEFAULT_INDEX": "https://index.example.org",
        "UV_FIND_LINKS": "/wheels",
        "UV_INDEX_HOUSE_PASSWORD": "secret",
        "SSL_CERT_FILE": "/ca.pem",
        "HTTPS_PROXY": "http://proxy",
        "UV_PYTHON": "3.9",
        "UV_CACHE_DIR": "/elsewhere",
        "VIRTUAL_ENV": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "ZOE_ADMIN_PASSWORD": "secret",
        "PREFECT_API_AUTH_STRING": "secret",
    }
    assert uv.environment(given, Path("/cache")) == {
        **dict(list(given.items())[:5]),
        "UV_CACHE_DIR": "/cache",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_reason_is_one_line_without_a_secret() -> None:
    said = (
        "Using Python 3.13.5 environment at: x\n"
        "error: Failed to fetch: `https://me:secret@index.example.org/simple/a/`\n"
        "  cause: error for token of-a-test\n\n"
        "         And more.\n"
    )
    line = reason(said, {"UV_INDEX_HOUSE_PASSWORD": "of-a-test", "UV_INDEX_A_PASSWORD": ""})
    assert line == (
        "uv cannot install what it asks for: Failed to fetch: "
        "`https://****@index.example.org/simple/a/` error for token **** And more."
    )
    assert reason("", {}).endswith(": no word")
    assert len(reason("error: " + "word " * 1000, {})) < 800


def test_uv_itself(tmp_path: Path) -> None:
    beats: list[None] = []
    one = Uv(tmp_path / "cache", lambda: beats.append(None))
    assert one.run("--version", seconds=60, project=tmp_path).startswith("uv ")
    assert beats
    with pytest.raises(WorldError, match="unexpected argument '--no-such-option'"):
        one.run("--no-such-option", seconds=60, project=tmp_path)


def test_uv_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(uv, "find_uv_bin", lambda: str(program))
    monkeypatch.setattr(attended, "BEAT_SECONDS", 0.05)
    with pytest.raises(WorldError, match=r"within 0\.1 s"):
        Uv(tmp_path, lambda: None).run("x", seconds=0.1, project=tmp_path)
