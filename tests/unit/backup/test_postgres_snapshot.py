"""Addresses and refusals; real dumps are made in tests/image/test_backup.py."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.backup import postgres_snapshot
from appliance.backup.postgres_snapshot import Address, embedded, external, find_program
from appliance.errors import OperatorError, WorldError
from tests.unit.support import free_port, make_settings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql+asyncpg://zoe:s%40cret@db:5433/prefect?ssl=require",
            Address("postgresql://zoe@db:5433/prefect?sslmode=require", "s@cret"),
        ),
        (
            "postgresql://zoe@db/prefect?password=s%26cret&a=1",
            Address("postgresql://zoe@db/prefect?a=1", "s&cret"),
        ),
        ("postgres://db/prefect", Address("postgresql://db/prefect")),
        ("postgresql://zoe@[::1]/p?a=1", Address("postgresql://zoe@[::1]/p?a=1")),
    ],
)
def test_the_password_is_set_apart(url: str, address: Address) -> None:
    assert external(url) == address


def test_the_embedded_one_is_a_socket() -> None:
    address = embedded(Path("/run/zoe/postgres"))
    assert address == Address("postgresql://prefect@/prefect?host=%2Frun%2Fzoe%2Fpostgres")


def test_a_program_is_found_beside_the_server_s(tmp_path: Path) -> None:
    for name in ("postgres", "pg_dump"):
        (tmp_path / name).touch(0o755)
    settings = make_settings(postgres_bin_dir=tmp_path)
    assert find_program(settings, "pg_dump") == tmp_path / "pg_dump"


def test_a_program_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="pg_dump is not installed here"):
        find_program(make_settings(postgres_bin_dir=tmp_path), "pg_dump")


def test_a_server_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    address = external(f"postgresql://zoe:hidden@127.0.0.1:{free_port()}/prefect")
    assert not asyncio.run(postgres_snapshot.is_served(address))
    with pytest.raises(WorldError, match="the database cannot be dumped") as caught:
        asyncio.run(postgres_snapshot.dump(address, Path("/bin/false"), tmp_path / "d"))
    assert "hidden" not in caught.value.line()
