"""Password and encryption key: there, readable, and of the right form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from appliance import credentials
from appliance.credentials import FERNET_KEY_BYTES
from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.patient import Patient

CHECK = "password and key"


def look(patient: Patient) -> Iterator[Finding]:
    """Read them as the programs do.

    Raises:
        OperatorError: One cannot be had.
    """
    given = credentials.read(patient.settings, patient.layout)
    key = given.encryption_key
    if key is not None and not is_fernet_key(key.get_secret_value()):
        yield problem(
            CHECK,
            f"{patient.layout.encryption_key} holds no encryption key",
            "put the right one back from a backup; with another, secret blocks cannot be read",
        )
    elif given.auth_string is None:
        yield well(CHECK, "ZOE_AUTH is off: nobody is asked for a password")
    else:
        yield well(CHECK, "they can be read")


def is_fernet_key(text: str) -> bool:
    """Tell whether a text is a key of Fernet's: 32 bytes in URL-safe base64.

    (The Fernet specification, "Key Format".)
    """
    try:
        return len(base64.b64decode(text, altchars=b"-_", validate=True)) == FERNET_KEY_BYTES
    except (binascii.Error, ValueError):
        return False
