"""All looks together, at an appliance that does not run, and at one whose server is elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.doctor.examination import examine
from appliance.doctor.finding import Finding, Level
from tests.unit.conftest import RealServer
from tests.unit.support import free_port


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ZOE_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("ZOE_HOST", "127.0.0.1")
    monkeypatch.setenv("ZOE_PORT", str(free_port()))
    (tmp_path / "data").mkdir()
    (tmp_path / "runtime").mkdir()


def by_check(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.what for finding in findings}


def test_every_mistake_in_the_settings_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOE_PORT", "http")
    monkeypatch.setenv("ZOE_WORKER_LIMTI", "3")
    found = examine()
    assert [finding.check for finding in found] == ["settings", "settings"]
    assert {finding.remedy for finding in found} == {
        "give a port number from 1 to 65535",
        "did you mean ZOE_WORKER_LIMIT?",
    }


def test_an_appliance_that_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD", "a-password")
    monkeypatch.setenv("ZOE_ENCRYPTION_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    found = examine()
    said = by_check(found)
    assert "Zoe is not running here" in said["programs"]
    assert said["database"].startswith("none yet")
    assert "workers" not in said
    assert [finding.check for finding in found if not finding.is_well] == ["programs"]


def test_a_look_that_cannot_look_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "data" / "secrets").write_text("not a directory")
    found = examine()
    wrong = {finding.check for finding in found if finding.level is Level.PROBLEM}
    assert "password and key" in wrong
    assert "database" in by_check(found)


def of_a_worker(url: str, password: str, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    monkeypatch.setenv("ZOE_COMPONENTS", "worker")
    monkeypatch.setenv("ZOE_API_URL", url)
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD", password)
    return examine()


def test_a_server_elsewhere_is_asked(
    real_server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{real_server.settings.port}/api"
    said = by_check(of_a_worker(url, real_server.password, monkeypatch))
    assert "answers and takes the password" in said["API"]
    assert said["clock"] == "it agrees with the server's"
    assert {"workers", "late runs", "tag limits", "services", "versions"} <= said.keys()
    assert not {"database", "backup", "port"} & said.keys()


def test_a_wrong_password_ends_the_looks_at_the_server(
    real_server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{real_server.settings.port}/api"
    said = by_check(of_a_worker(url, "wrong", monkeypatch))
    assert "does not accept this user and password" in said["API"]
    assert "workers" not in said


def test_a_server_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    found = of_a_worker(f"http://127.0.0.1:{port}/api", "any", monkeypatch)
    (away,) = [finding for finding in found if finding.check == "API"]
    assert "does not answer" in away.what
    assert "workers" not in by_check(found)
