"""The password of UI and API and the key of secret blocks: given, or generated once.

What is generated lies in the data directory, apart from the database, for its owner only.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from appliance.errors import OperatorError
from appliance.files import make_private_dir, write_atomically
from appliance.layout import Layout
from appliance.settings.model import Component, Settings

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


def ensure(settings: Settings, layout: Layout) -> None:
    """Generate what is neither given by a setting nor there from an earlier start."""
    if Component.SERVER not in settings.runs_here:
        return
    make_private_dir(layout.secrets_dir)
    if settings.auth and settings.admin_password is None:
        _generate_once(layout.admin_password, secrets.token_urlsafe(PASSWORD_BYTES))
    if settings.encryption_key is None:
        key = base64.urlsafe_b64encode(secrets.token_bytes(FERNET_KEY_BYTES)).decode()
        _generate_once(layout.encryption_key, key)


def read(settings: Settings, layout: Layout) -> Credentials:
    """Return the credentials in force.

    Raises:
        OperatorError: A secret that must be there is missing or unreadable.
    """
    auth_string = None
    if settings.auth:
        password = settings.admin_password or _kept(
            layout.admin_password, "ZOE_ADMIN_PASSWORD", settings
        )
        auth_string = SecretStr(f"{settings.admin_user}:{password.get_secret_value()}")
    encryption_key = None
    if Component.SERVER in settings.runs_here:
        encryption_key = settings.encryption_key or _kept(
            layout.encryption_key, "ZOE_ENCRYPTION_KEY", settings
        )
    return Credentials(auth_string, encryption_key)


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
