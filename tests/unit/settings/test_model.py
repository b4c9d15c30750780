from __future__ import annotations

import pytest

from appliance.settings import Component, DatabaseEngine, Settings
from tests.unit.support import make_settings


@pytest.mark.parametrize(
    ("database", "engine"),
    [
        ("sqlite", DatabaseEngine.SQLITE),
        ("postgres", DatabaseEngine.EMBEDDED_POSTGRES),
        ("postgresql://db/prefect", DatabaseEngine.EXTERNAL_POSTGRES),
        ("postgres://u:p@db:5433/prefect?sslmode=require", DatabaseEngine.EXTERNAL_POSTGRES),
        ("postgresql+asyncpg://u:p%40ss@[::1]/prefect", DatabaseEngine.EXTERNAL_POSTGRES),
    ],
)
def test_database_forms(database: str, engine: DatabaseEngine) -> None:
    assert make_settings(database=database).engine is engine


@pytest.mark.parametrize(
    ("public_url", "base_path"),
    [
        (None, ""),
        ("https://example.org", ""),
        ("https://example.org/", ""),
        ("https://example.org/prefect/", "/prefect"),
        ("https://example.org:8443/a/b", "/a/b"),
    ],
)
def test_base_path(public_url: str | None, base_path: str) -> None:
    assert make_settings(public_url=public_url).base_path == base_path


def test_components_are_in_start_order() -> None:
    settings = make_settings(components="worker,deployer,server,database")
    assert settings.components == (
        Component.DATABASE,
        Component.SERVER,
        Component.DEPLOYER,
        Component.WORKER,
    )


def test_tls_is_on_with_a_certificate() -> None:
    assert make_settings(tls_cert_file="/c", tls_key_file="/k").tls
    assert not make_settings().tls


def test_values_come_only_from_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    # `load` knows the origin of each value because the model looks nowhere by itself.
    monkeypatch.setenv("ZOE_PORT", "1")
    assert Settings().port == 4200


def test_secrets_do_not_show_in_a_repr() -> None:
    settings = make_settings(database="postgresql://u:hidden@db/prefect", admin_password="hidden")
    assert "hidden" not in repr(settings)
    assert "hidden" not in str(settings.model_dump())


def test_every_setting_says_what_it_does_and_expects() -> None:
    # The reference page and every refusal are made of these.
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert isinstance(field.json_schema_extra, dict), name
        assert field.json_schema_extra["expects"], name
