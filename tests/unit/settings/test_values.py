from __future__ import annotations

import pytest

from appliance.settings import values
from appliance.settings.model import Settings
from appliance.settings.sources import secret_fields


@pytest.mark.parametrize("text", ["0 3 * * *", "*/5 * * * 1-5"])
def test_schedules(text: str) -> None:
    assert values.cron(text) == text


@pytest.mark.parametrize("text", ["off", " OFF "])
def test_no_schedule(text: str) -> None:
    assert values.cron(text) is None


@pytest.mark.parametrize("text", ["", "daily", "0 25 * * *", "* * * *"])
def test_no_schedule_at_all(text: str) -> None:
    with pytest.raises(ValueError, match="is not a cron schedule"):
        values.cron(text)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("/backups/", "/backups"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
    ],
)
def test_backup_targets(text: str, target: str) -> None:
    assert values.backup_target(text) == target


@pytest.mark.parametrize("text", ["backups", "s3://", "s3://key:secret@bucket", "s3://b?x=1"])
def test_no_backup_targets(text: str) -> None:
    with pytest.raises(ValueError, match=r"relative|bucket"):
        values.backup_target(text)


def test_every_secret_is_known_as_one() -> None:
    written = {name for name, field in Settings.model_fields.items() if "SecretStr" in repr(field)}
    assert set(secret_fields()) == written
    assert {"admin_password", "backup_passphrase", "backup_s3_secret_key"} < written
