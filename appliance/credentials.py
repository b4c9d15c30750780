"""The password of UI and API and the key of secret blocks: given, or generated once.

What is generated lies in the data directory, apart from the database, for its owner only.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from appliance.errors import OperatorError
from appliance.files import make_private_dir, write_atomically
from appliance.layout import Layout
from appliance.settings.model import Component, Settings
from appliance.settings.values import fernet_key

PASSWORD_BYTES = 24
FERNET_KEY_BYTES = 32


@dataclass(frozen=True)
class Credentials:
    """What the programs need to talk to each other and to keep secrets.

    Attributes:
        auth_string: `user:password` for HTTP Basic; None where authentication is off.
        encryption_key: The Fernet key of secret blocks; None where no server runs.
    """

    auth_string: SecretStr | None
    encryption_key: SecretStr | None


def ensure(settings: Settings, layout: Layout, *, with_key: bool = True) -> None:
    """Generate what is neither given by a setting nor there from an earlier start.

    Args:
        settings: What is given.
        layout: Where the rest is kept.
        with_key: False while it is not known whether a missing encryption key was lost, and a new
            one would hide that.
    """
    if Component.SERVER not in settings.runs_here:
        return
    make_private_dir(layout.secrets_dir)
    if settings.auth and settings.admin_password is None:
        _generate_once(layout.admin_password, secrets.token_urlsafe(PASSWORD_BYTES))
    if with_key and settings.encryption_key is None:
        key = base64.urlsafe_b64encode(secrets.token_bytes(FERNET_KEY_BYTES)).decode()
        _generate_once(layout.encryption_key, key)


def read(
    settings: Settings, layout: Layout, *, without: Collection[Path] = frozenset()
) -> Credentials:
    """Return the credentials in force.

    Args:
        settings: What is given.
        layout: Where the rest is kept.
        without: Files (see `missing`) that are not asked for; what they would hold is None.

    Raises:
        OperatorError: A secret that must be there is missing or unreadable.
    """
    auth_string = None
    if settings.auth and layout.admin_password not in without:
        password = settings.admin_password or _kept(
            layout.admin_password, "ZOE_ADMIN_PASSWORD", settings
        )
        auth_string = SecretStr(f"{settings.admin_user}:{password.get_secret_value()}")
    encryption_key = None
    if Component.SERVER in settings.runs_here and layout.encryption_key not in without:
        encryption_key = settings.encryption_key or _kept(
            layout.encryption_key, "ZOE_ENCRYPTION_KEY", settings
        )
    return Credentials(auth_string, encryption_key)


def missing(settings: Settings, layout: Layout) -> list[Path]:
    """Return the files of secrets in force that no setting gives and that are not there."""
    wanted = []
    if settings.auth and settings.admin_password is None:
        wanted.append(layout.admin_password)
    if Component.SERVER in settings.runs_here and settings.encryption_key is None:
        wanted.append(layout.encryption_key)
    return [path for path in wanted if _is_missing(path)]


def _is_missing(path: Path) -> bool:
    """Tell whether that is certain: what we may not look at could be there."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def encryption_key(settings: Settings, layout: Layout) -> str | None:
    """Return the key that is given or kept; None where there is none (yet).

    Raises:
        OperatorError: The file that keeps it cannot be read, or holds no key.
    """
    if settings.encryption_key is not None:
        return settings.encryption_key.get_secret_value()
    # `os.path` takes what it may not look at for absent; `pathlib` raises.
    if not os.path.lexists(layout.encryption_key):
        return None
    key = _kept(layout.encryption_key, "ZOE_ENCRYPTION_KEY", settings).get_secret_value()
    try:
        fernet_key(SecretStr(key))
    except ValueError as error:
        raise OperatorError(
            f"the secret {layout.encryption_key} {error}",
            where=str(layout.secrets_dir),
            remedy="put the key back, from a backup or by ZOE_ENCRYPTION_KEY_FILE",
        ) from None
    return key


def _generate_once(path: Path, value: str) -> None:
    if not path.exists():
        write_atomically(path, value + "\n", durable=True)


def _kept(path: Path, variable: str, settings: Settings) -> SecretStr:
    if Component.SERVER not in settings.runs_here:
        raise OperatorError(
            f"no password for the server {settings.api_url}",
            where=f"{variable} is not set",
            remedy=f"set {variable} or {variable}_FILE to the server's, or ZOE_AUTH=false if it "
            "asks for none",
        )
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
    else:
        if secret:
            return SecretStr(secret)
        # An empty password would let everybody in.
        reason = "is empty"
    raise OperatorError(
        f"the secret {path} {reason}",
        where=str(path.parent),
        remedy=f"run as its owner (this is uid {os.getuid()}), or set {variable}_FILE",
    )
