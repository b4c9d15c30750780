from __future__ import annotations

from pathlib import Path

from appliance import settings_reference
from appliance.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_page_is_what_the_model_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_reference.render(), "run: make docs"


def test_every_setting_has_a_row_with_words() -> None:
    rows = [row for row in settings_reference.render().splitlines() if row.startswith("| `")]
    for name, field in Settings.model_fields.items():
        row = next(row for row in rows if row.startswith(f"| `{name}` |"))
        assert field.description
        assert field.description[:20] in row
        assert not row.endswith("|  |"), f"{name} does not say what it must be"
