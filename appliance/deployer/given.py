"""Where the value of a block's field comes from: the file itself, the environment, a secret file.

What comes from elsewhere is held as a secret: it is written in no plan, no log and no record.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from appliance.settings.model import ENV_PREFIX

SOURCES = frozenset({"env", "file", "block"})


class GivenError(ValueError):
    """A value cannot be had; the message is the rest of the sentence "'field' ..."."""


@dataclass(frozen=True)
class Reference:
    """Another block in a field, as `type/name`."""

    name: str

    def __str__(self) -> str:
        return f"block {self.name}"


def resolve(value: Any, root: Path, environ: Mapping[str, str] = os.environ) -> Any:
    """Return a value with what its sources hold in their places.

    `{env: NAME}`, `{file: PATH}` and `{block: TYPE/NAME}` are sources, at any depth; what stands in
    `{literal: …}` is taken as it is.

    Args:
        value: As the file has it.
        root: The project's directory, which relative paths are relative to.
        environ: The environment.

    Raises:
        GivenError: A source has no value.
    """
    if isinstance(value, list):
        return [resolve(one, root, environ) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((source, argument),) = value.items()
        if source == "literal":
            return argument
        if source in SOURCES and isinstance(argument, str):
            return _from(source, argument, root, environ)
    return {key: resolve(one, root, environ) for key, one in value.items()}


def _from(source: str, argument: str, root: Path, environ: Mapping[str, str]) -> object:
    match source:
        case "env":
            return _from_environment(argument, environ)
        case "file":
            return _from_file(root / argument)
        case _:
            if argument.count("/") != 1:
                raise GivenError(f"names the block '{argument}'; it is named by type/name")
            return Reference(argument)


def _from_environment(name: str, environ: Mapping[str, str]) -> SecretStr:
    if name.startswith(ENV_PREFIX):
        raise GivenError(f"is to come from {name}, a setting of Zoe; give it a variable of its own")
    if name not in environ:
        raise GivenError(f"is to come from {name}, which is not set in the deployer's environment")
    return SecretStr(environ[name])


def _from_file(path: Path) -> SecretStr:
    try:
        # The last line break is the editor's.
        return SecretStr(path.read_text(encoding="utf-8").removesuffix("\n"))
    except OSError as error:
        raise GivenError(
            f"is to come from {path}, which cannot be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise GivenError(f"is to come from {path}, which is no text") from None


def plain(value: Any) -> Any:
    """Return a value with its secrets in clear, as the server takes and gives it."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case _:
            return value


def holds_secret(value: Any) -> bool:
    """Tell whether a value was taken from elsewhere, in whole or in part."""
    match value:
        case SecretStr():
            return True
        case dict():
            return any(map(holds_secret, value.values()))
        case list():
            return any(map(holds_secret, value))
        case _:
            return False
