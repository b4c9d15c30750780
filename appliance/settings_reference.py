"""The reference page of all settings, made from the model.

python -m appliance.settings_reference > docs/reference/settings.md
"""

from __future__ import annotations

import sys
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from appliance.prefect_environment import CHOSEN_FOR_CLIENTS, CHOSEN_FOR_SERVER, OWNED
from appliance.settings.model import Settings
from appliance.settings.sources import FILE_SUFFIX, is_secret, variable

HEAD = """\
# Settings

<!-- Made from appliance/settings/model.py by `make docs`; a test holds it to the model. -->

Each setting is a key of `/etc/zoe/zoe.toml` (or of the file that `ZOE_CONFIG` names) and an
environment variable. The environment wins over the file. A secret may also come from a file that
`ZOE_…_FILE` names, or the key `…_file`; giving it both ways is an error. An unknown name is an
error, too.

`zoe config show` prints every value that is in force and where it came from; `zoe config check`
finds what is wrong with them without starting anything.

| key | environment | default | what it does | must be |
|---|---|---|---|---|
"""

PREFECT = """
## Prefect's own settings

Every `PREFECT_…` variable passes through to the processes that run Prefect. Two kinds are special.

These follow from a setting of Zoe's and are refused when set by hand:

| variable | follows from |
|---|---|
"""

CHOSEN = """
These have another default here than in Prefect; set the variable to choose otherwise:

| variable | Zoe's choice |
|---|---|
"""

BOOTSTRAP = """
## Outside the model

Read before, or without, the settings:

| environment | default | what it does |
|---|---|---|
| `ZOE_CONFIG` | `/etc/zoe/zoe.toml` | the configuration file |
| `ZOE_RUNTIME_DIR` | `/run/zoe`, in the image `/tmp/zoe` | sockets and reports, not kept |
| `ZOE_TEMPLATES` | `/opt/zoe/templates` | databases and UI files made ahead |
"""


def render() -> str:
    """Return the page."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    owned = [f"| `{name}` | {_code(setting)} |" for name, setting in OWNED.items()]
    chosen = [
        f"| `{name}` | `{value}` |"
        for name, value in sorted({**CHOSEN_FOR_SERVER, **CHOSEN_FOR_CLIENTS}.items())
    ]
    parts = [HEAD, "\n".join(rows), "\n", PREFECT, "\n".join(owned), "\n", CHOSEN]
    return "".join([*parts, "\n".join(chosen), "\n", BOOTSTRAP])


def _row(name: str, field: FieldInfo) -> str:
    names = f"`{variable(name)}`"
    if is_secret(field):
        names += f", `{variable(name)}{FILE_SUFFIX}`"
    extra = field.json_schema_extra
    expects = str(extra["expects"]) if isinstance(extra, dict) else ""
    default = _shown(field.default)
    cells = [f"`{name}`", names, default, str(field.description), expects]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(" and "))


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, SecretStr):
        return f"`{default.get_secret_value()}`"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(render())
