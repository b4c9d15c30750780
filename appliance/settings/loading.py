"""Gather the settings from every source, check them, and remember where each came from."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from appliance.errors import OperatorError, SeveralMistakesError
from appliance.settings.model import ENV_PREFIX, Settings
from appliance.settings.sources import (
    FILE_SUFFIX,
    SecretFileSource,
    configuration_file,
    from_environment,
    from_file,
    secret_fields,
    variable,
    with_secrets_read,
)

# Read before, or without, the settings model; see `appliance.layout` and `sources`. The last is
# told to flow runs by their worker; see `appliance.worker.warm.protocol`.
BOOTSTRAP_VARIABLES = frozenset(
    {"ZOE_CONFIG", "ZOE_RUNTIME_DIR", "ZOE_TEMPLATES", "ZOE_TEMPLATE_SOCKET"}
)
DEFAULT = "default"


@dataclass(frozen=True)
class Configuration:
    """The effective settings and, for each of them, where its value came from.

    Attributes:
        settings: The checked values.
        origins: By field name: `default`, the variable, or the configuration file.
        file: The configuration file that was read; None when there was none.
    """

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def load() -> Configuration:
    """Read, merge and check all settings.

    Raises:
        OperatorError: A value, a name or a source is wrong; every such mistake is in it.
    """
    path = configuration_file()
    file_values = from_file(path) if path else {}
    environment_values = from_environment()
    mistakes = [
        *_unknown_variables(os.environ),
        *(_unknown_keys(file_values, path) if path else ()),
    ]
    if path:
        try:
            file_values = with_secrets_read(file_values, path)
        except SeveralMistakesError as error:
            mistakes += error.errors
    secret_values: Mapping[str, Any] = {}
    try:
        secret_values = SecretFileSource(Settings)()
    except SeveralMistakesError as error:
        mistakes += error.errors

    values: dict[str, Any] = {}
    origins: dict[str, str] = dict.fromkeys(Settings.model_fields, DEFAULT)
    for name in Settings.model_fields:
        if name in environment_values:
            values[name] = environment_values[name]
            origins[name] = f"{variable(name)} in the environment"
        elif name in secret_values:
            values[name] = secret_values[name]
            origins[name] = f"{variable(name)}{FILE_SUFFIX} in the environment"
        elif name in file_values:
            values[name] = file_values[name]
            origins[name] = str(path)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        mistakes += [_mistake(detail, origins) for detail in error.errors()]
        raise SeveralMistakesError(mistakes) from None
    if mistakes:
        raise SeveralMistakesError(mistakes)
    return Configuration(settings, origins, path)


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return (
        f"did you mean {near[0]}?" if near else "see `zoe config show` for the names that there are"
    )


def _unknown_variables(environ: Mapping[str, str]) -> list[OperatorError]:
    known = {
        *BOOTSTRAP_VARIABLES,
        *map(variable, Settings.model_fields),
        *(variable(name) + FILE_SUFFIX for name in secret_fields()),
    }
    return [
        OperatorError(
            f"{name} is not a setting", where="environment", remedy=_suggestion(name, known)
        )
        for name in sorted(environ)
        if name.startswith(ENV_PREFIX) and name not in known
    ]


def _unknown_keys(values: Mapping[str, Any], path: Path) -> list[OperatorError]:
    known = {*Settings.model_fields, *(name + FILE_SUFFIX.lower() for name in secret_fields())}
    return [
        OperatorError(
            f"{key} is not a setting",
            where=str(path),
            remedy=_suggestion(key.lower(), known),
        )
        for key in values
        if key not in known
    ]


def _mistake(detail: ErrorDetails, origins: Mapping[str, str]) -> OperatorError:
    """Turn one of pydantic's findings into our sentence.

    A finding without a location is about a combination; its words are complete already.
    """
    reason = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        what, _, remedy = reason.partition("; ")
        return OperatorError(what, where="settings", remedy=remedy)
    name = str(detail["loc"][0])
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    expects = extra["expects"] if isinstance(extra, dict) else ""
    if detail["type"] != "value_error":
        reason = "is not valid: " + reason[0].lower() + reason[1:]
    # An address may hold a password, too.
    is_private = name in secret_fields() or "@" in str(detail["input"])
    shown = "" if is_private else f" '{detail['input']}'"
    return OperatorError(
        f"{variable(name)}{shown} {reason}", where=origins[name], remedy=f"give {expects}"
    )
