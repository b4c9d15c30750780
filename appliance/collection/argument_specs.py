"""The roles' `meta/argument_specs.yml`, and the list by which their one template is filled."""

from __future__ import annotations

from typing import Any

import yaml

from appliance.collection.variables import (
    FOLLOWS_FROM_ROLE,
    Role,
    Variable,
    settings_of,
    variables_of,
)
from appliance.settings.model import Settings
from appliance.settings.sources import is_secret

HEAD = (
    "---\n# Made from appliance/settings/model.py by `make docs`; a test holds it to the model.\n"
)
SHORT = {
    Role.APPLIANCE: "Zoe whole: server, database, deployer and worker",
    Role.WORKER: "An extra worker for a Zoe that runs elsewhere",
}
LEFT_OUT = "A variable C(zoe_<setting>) that is left out leaves the setting at Zoe's own default."
LONG = {
    Role.APPLIANCE: (
        "Installs a version of Zoe beside those that are there, writes C(/etc/zoe/zoe.toml), and "
        "keeps Zoe running by systemd or, where that is not, by a script in C(/etc/init.d)."
    ),
    Role.WORKER: (
        "The same as C(appliance), with the one component C(worker), which joins a server by its "
        "address and password."
    ),
}


def specification(role: Role) -> str:
    """Return the text of a role's `meta/argument_specs.yml`."""
    options = {variable.name: _option(variable) for variable in variables_of(role)}
    main = {
        "short_description": SHORT[role],
        "description": [LONG[role], LEFT_OUT],
        "author": ["The Zoe project"],
        "options": options,
    }
    return _text({"argument_specs": {"main": main}})


def template_list() -> str:
    """Return `vars/main.yml` of the common role: which role writes which settings."""
    by_role = {
        role.value: {
            "fixed": FOLLOWS_FROM_ROLE[role],
            "settings": [
                {"name": name, "secret": is_secret(Settings.model_fields[name])}
                for name in settings_of(role)
            ],
        }
        for role in Role
    }
    return _text({"common_zoe_toml": by_role})


def _option(variable: Variable) -> dict[str, Any]:
    # In a role's documentation `backticks` mean nothing; C() does.
    found: dict[str, Any] = {
        "type": variable.kind,
        "description": [_marked(variable.description)],
    }
    if variable.elements:
        found["elements"] = variable.elements
    if variable.choices:
        found["choices"] = list(map(str, variable.choices))
    if variable.required:
        found["required"] = True
    if variable.default is not None:
        found["default"] = variable.default
    if variable.secret:
        found["no_log"] = True
    return found


def _marked(text: str) -> str:
    parts = text.split("`")
    return "".join(f"C({part})" if number % 2 else part for number, part in enumerate(parts))


class _Indented(yaml.SafeDumper):
    """Indents lists in mappings, as yamllint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - yaml's own
        """Never leave a list where its key is."""
        super().increase_indent(flow, indentless=False)


def _text(content: dict[str, Any]) -> str:
    return HEAD + yaml.dump(
        content, Dumper=_Indented, sort_keys=False, width=110, allow_unicode=True
    )
