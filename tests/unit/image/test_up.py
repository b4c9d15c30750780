from __future__ import annotations

from typing import Any

from appliance.image.up import summary

STATUS: dict[str, Any] = {
    "versions": {"zoe": "0.1.0", "prefect": "3.8.8"},
    "url": "http://localhost:4200",
    "user": "admin",
    "password_file": "/data/secrets/admin_password",
    "deployer": {"deployments": ["a/b", "c/d"], "problems": ["/p/x.yaml:3: no such flow"]},
}


def test_the_summary_says_where_who_how_and_what() -> None:
    lines = "\n".join(summary(STATUS, 4300))
    assert "http://localhost:4300" in lines
    assert "admin" in lines
    assert "docker exec zoe cat /data/secrets/admin_password" in lines
    assert "2 deployments:\n  a/b\n  c/d" in lines
    assert "PROBLEM /p/x.yaml:3: no such flow" in lines


def test_a_public_address_is_given_as_it_is() -> None:
    lines = "\n".join(summary({**STATUS, "url": "https://example.org/prefect"}, 4300))
    assert "https://example.org/prefect" in lines
    assert "4300" not in lines


def test_tls_and_a_given_password() -> None:
    status = {**STATUS, "url": "https://localhost:4200", "password_file": None}
    lines = "\n".join(summary(status, 4200))
    assert "https://localhost:4200" in lines
    assert "password" not in lines


def test_without_authentication_and_before_the_first_pass() -> None:
    lines = summary({**STATUS, "user": None, "password_file": None, "deployer": None}, 4200)
    assert not any(line.strip().startswith("user") for line in lines)
    assert "0 deployments:" in lines
