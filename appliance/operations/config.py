"""`zoe config check` and `zoe config show`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from appliance import preflight
from appliance.layout import Layout, Runtime
from appliance.prefect_environment import (
    CHOSEN_FOR_CLIENTS,
    CHOSEN_FOR_SERVER,
    OWNED,
    chosen_for_clients,
)
from appliance.settings import Configuration, load

MASK = "********"
# What may hold a secret, going by a name of Prefect's: an address or a header can carry one, too.
SECRET_WORDS = (
    "AUTH",
    "CONNECT_ARGS",
    "CREDENTIAL",
    "HEADERS",
    "KEY",
    "PASSWORD",
    "SECRET",
    "TOKEN",
    "URL",
)


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    return check() if given.action == "check" else show(as_json=given.json)


def check() -> int:
    """Check settings and ground without starting or changing anything.

    Raises:
        OperatorError: Something is wrong.
    """
    loaded = load()
    settings = loaded.settings
    preflight.check(settings, Layout(settings.data_dir), Runtime.from_environment(), starting=False)
    sys.stdout.write("the configuration is valid\n")
    return 0


def show(*, as_json: bool) -> int:
    """Print every setting with its value and where that came from.

    Raises:
        OperatorError: The settings are wrong.
    """
    rows = effective(load())
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    width = max(len(name) for name in rows)
    for name, row in rows.items():
        value = "" if row["value"] is None else row["value"]
        sys.stdout.write(f"{name:<{width}}  {value}  ({row['origin']})\n")
    return 0


def effective(loaded: Configuration) -> dict[str, dict[str, Any]]:
    """Return value and origin of each setting, secrets masked, then those of Prefect's names."""
    rows = {
        name: {"value": _shown(getattr(loaded.settings, name)), "origin": loaded.origins[name]}
        for name in type(loaded.settings).model_fields
    }
    for name, value in {**CHOSEN_FOR_SERVER, **chosen_for_clients(loaded.settings)}.items():
        rows[name] = {"value": value, "origin": "Zoe's choice"}
    for name, value in os.environ.items():
        if (name.startswith("PREFECT_") and name not in OWNED) or name in CHOSEN_FOR_CLIENTS:
            rows[name] = {"value": _masked_by_name(name, value), "origin": "environment"}
    return rows


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        # The words `sqlite` and `postgres` name an engine and hold no secret.
        text = value.get_secret_value()
        return text if text in {"sqlite", "postgres"} else MASK
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def _masked_by_name(name: str, value: str) -> str:
    return MASK if any(word in name for word in SECRET_WORDS) else value
