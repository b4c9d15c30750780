"""`python -m appliance.collection`: write what of the collection follows from the settings."""

from __future__ import annotations

from pathlib import Path

from appliance.collection import argument_specs, page
from appliance.collection.variables import Role

REPOSITORY = Path(__file__).resolve().parents[2]


def made() -> dict[Path, str]:
    """Return the texts of all files that are made, by their paths."""
    roles = REPOSITORY / "ansible" / "roles"
    return {
        **{
            roles / role / "meta" / "argument_specs.yml": argument_specs.specification(role)
            for role in Role
        },
        roles / "common" / "vars" / "main.yml": argument_specs.template_list(),
        REPOSITORY / "docs" / "reference" / "ansible.md": page.render(),
    }


if __name__ == "__main__":
    for path, text in made().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
