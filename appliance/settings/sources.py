"""Where settings come from: the environment, secret files that it names, and `zoe.toml`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

from appliance.errors import OperatorError, SeveralMistakesError
from appliance.layout import DEFAULT_CONFIG_FILE
from appliance.settings.model import ENV_PREFIX, Settings

FILE_SUFFIX = "_FILE"


def variable(field: str) -> str:
    """Return the environment variable of a setting."""
    return ENV_PREFIX + field.upper()


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a setting's value must never be shown."""
    return _mentions_secret(field.annotation)


def _mentions_secret(annotation: object) -> bool:
    """Look through `Optional` and `Annotated`, however deep."""
    return annotation is SecretStr or any(map(_mentions_secret, get_args(annotation)))


def secret_fields() -> list[str]:
    """Return the names of the settings that may come from a file named in the environment."""
    return [name for name, field in Settings.model_fields.items() if is_secret(field)]


def from_environment() -> dict[str, Any]:
    """Return the settings given as `ZOE_<NAME>`, by field name."""
    return EnvSettingsSource(Settings)()


class SecretFileSource(PydanticBaseSettingsSource):
    """Secrets from files that `ZOE_<NAME>_FILE` names, as container platforms mount them."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's content without its last line break; None when no file is named.

        Raises:
            OperatorError: The file cannot be read, or the secret is also given directly.
        """
        name = variable(field_name)
        file_name = name + FILE_SUFFIX
        path = os.environ.get(file_name)
        if not is_secret(field) or not path:
            return None, field_name, False
        if name in os.environ:
            raise OperatorError(
                f"{name} and {file_name} are both set",
                where="environment",
                remedy="keep one of them",
            )
        secret = _read_secret(path, f"{file_name} in the environment", file_name)
        return secret, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return every secret that is given by a file, by field name.

        Raises:
            OperatorError: At least one of them cannot be had; all that are wrong are in it.
        """
        values: dict[str, Any] = {}
        mistakes: list[OperatorError] = []
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, _, _ = self.get_field_value(field, name)
            except OperatorError as error:
                mistakes.append(error)
            else:
                if value is not None:
                    values[name] = value
        if mistakes:
            raise SeveralMistakesError(mistakes)
        return values


def _read_secret(path: str, where: str, setting: str) -> str:
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise OperatorError(
            f"the secret file {path} cannot be read: {reason}",
            where=where,
            remedy=f"give a file that uid {os.getuid()} may read, or unset {setting}",
        ) from None
    return content.rstrip("\r\n")


def with_secrets_read(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the values of a configuration file with secrets in the place of their files' names.

    Args:
        values: What the file holds; `admin_password_file` names a file with `admin_password`.
        path: The configuration file.

    Raises:
        OperatorError: At least one secret cannot be had; all that are wrong are in it.
    """
    found = dict(values)
    mistakes: list[OperatorError] = []
    for name in secret_fields():
        key = name + FILE_SUFFIX.lower()
        if key not in values:
            continue
        named = found.pop(key)
        if name in values:
            mistakes.append(
                OperatorError(
                    f"{name} and {key} are both set", where=str(path), remedy="keep one of them"
                )
            )
        elif not isinstance(named, str):
            mistakes.append(
                OperatorError(f"{key} is not a path", where=str(path), remedy="give one in quotes")
            )
        else:
            try:
                found[name] = _read_secret(named, f"{key} in {path}", key)
            except OperatorError as error:
                mistakes.append(error)
    if mistakes:
        raise SeveralMistakesError(mistakes)
    return found


def configuration_file() -> Path | None:
    """Return the configuration file to read; None when there is none.

    Raises:
        OperatorError: `ZOE_CONFIG` names a file that is not there.
    """
    named = os.environ.get("ZOE_CONFIG")
    path = Path(named or DEFAULT_CONFIG_FILE)
    try:
        there = path.is_file()
    except OSError:
        # In a directory that is closed to us; reading it says so.
        there = True
    if there:
        return path
    if named:
        raise OperatorError(
            f"there is no configuration file {named}",
            where="ZOE_CONFIG in the environment",
            remedy="name a file that is there, or unset ZOE_CONFIG",
        )
    return None


def from_file(path: Path) -> dict[str, Any]:
    """Return the settings that `zoe.toml` holds, by the keys as they stand in it.

    Raises:
        OperatorError: The file cannot be read or is not TOML.
    """
    try:
        # The source passes over a file that it may not see.
        path.stat()
        return TomlConfigSettingsSource(Settings, toml_file=path)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"it is not valid TOML: {error}", where=str(path), remedy="mend the file"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"the configuration file cannot be read: {error.strerror}",
            where=str(path),
            remedy=f"make it readable for uid {os.getuid()}",
        ) from None
