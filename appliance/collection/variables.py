"""The variables of the roles: every setting as `zoe_<setting>`, and what only hosts have."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin

from appliance.settings.model import Settings
from appliance.settings.sources import is_secret

PREFIX = "zoe_"


class Role(StrEnum):
    """A role that a playbook names."""

    APPLIANCE = "appliance"
    WORKER = "worker"


# The rest of the settings is for a machine that has the server.
WORKER_SETTINGS = (
    "api_url",
    "tls_ca_file",
    "admin_user",
    "admin_password",
    "auth",
    "data_dir",
    "work_pool",
    "worker_name",
    "worker_limit",
    "warm_start",
    "preload",
    "on_crash",
    "max_reschedules",
    "stop_grace",
    "lost_after",
)
# An appliance is its own server.
NOT_FOR_APPLIANCE = ("api_url", "tls_ca_file")
# The role says it.
FOLLOWS_FROM_ROLE = {Role.WORKER: {"components": "worker"}, Role.APPLIANCE: {}}
REQUIRED = {Role.WORKER: ("api_url",), Role.APPLIANCE: ()}


@dataclass(frozen=True)
class Variable:
    """A variable of a role.

    Attributes:
        name: Its name.
        kind: Ansible's type.
        description: What it does.
        default: What it is when left out; None where that is for Zoe to say, or nothing.
        choices: The values that there are; empty where there are many.
        required: Whether it must be given.
        secret: Whether it must not be shown.
    """

    name: str
    kind: str
    description: str
    default: Any = None
    choices: tuple[str, ...] = ()
    required: bool = False
    secret: bool = False
    elements: str = field(default="", compare=False)


OF_HOSTS = (
    Variable(
        "zoe_bundle",
        "str",
        "The bundle to install, a file on the controller made by `python3 -m appliance.bundle`. "
        "Left out, one is made of the checkout in which the collection lies.",
        "",
    ),
    Variable(
        "zoe_python",
        "str",
        "The host's Python 3.11, 3.12 or 3.13, by path or name; the newest of them when left out.",
        "",
    ),
    Variable(
        "zoe_environment",
        "dict",
        "Further environment variables of Zoe and its flow runs, such as `PREFECT_LOGGING_LEVEL` "
        "or `TZ`. No secrets: the file may be read by root and the user zoe.",
        {},
    ),
    Variable(
        "zoe_min_free_mb",
        "int",
        "Megabytes that must be free for program and data before the first installation.",
        1500,
    ),
    Variable("zoe_min_memory_mb", "int", "Megabytes of memory that the machine must have.", 900),
    Variable(
        "zoe_ready_seconds",
        "int",
        "How long a start may take until every program does its work.",
        300,
    ),
)
OF_ROLE = {
    Role.APPLIANCE: (
        Variable(
            "zoe_tls_cert_src",
            "str",
            "A certificate with its chain (PEM) on the controller, which is copied to the host; "
            "`zoe_tls_cert_file` names one that is on the host already.",
            "",
        ),
        Variable(
            "zoe_tls_key_src",
            "str",
            "The private key of `zoe_tls_cert_src` on the controller; better from a vault.",
            "",
        ),
    ),
    Role.WORKER: (
        Variable(
            "zoe_tls_ca_src",
            "str",
            "The authority that signed the server's certificate (PEM) on the controller, copied to "
            "the host; `zoe_tls_ca_file` names one that is on the host already.",
            "",
        ),
        Variable(
            "zoe_drain_seconds",
            "int",
            "How long a worker that is to be removed waits for its flow runs to end.",
            3600,
        ),
    ),
}


def settings_of(role: Role) -> list[str]:
    """Return the names of the settings that a role may write, in the model's order."""
    follows = FOLLOWS_FROM_ROLE[role]
    if role is Role.WORKER:
        return [name for name in Settings.model_fields if name in WORKER_SETTINGS]
    return [
        name
        for name in Settings.model_fields
        if name not in NOT_FOR_APPLIANCE and name not in follows
    ]


def variables_of(role: Role) -> list[Variable]:
    """Return every variable of a role."""
    return [*(of_setting(name, role) for name in settings_of(role)), *OF_ROLE[role], *OF_HOSTS]


def of_setting(name: str, role: Role) -> Variable:
    """Return the variable of a setting; left out, the setting keeps Zoe's own default."""
    model = Settings.model_fields[name]
    extra = model.json_schema_extra
    expects = str(extra["expects"]) if isinstance(extra, dict) else ""
    kind, elements, choices = _kind(model.annotation)
    return Variable(
        name=PREFIX + name,
        kind=kind,
        description=f"{model.description} Must be {expects}.",
        choices=choices,
        required=name in REQUIRED[role],
        secret=is_secret(model),
        elements=elements,
    )


def _kind(annotation: Any) -> tuple[str, str, tuple[str, ...]]:
    """Return Ansible's type, that of a list's elements, and the choices."""
    parts = [part for part in get_args(annotation) if part is not NoneType]
    if get_origin(annotation) is tuple:
        return "list", "str", ()
    if parts:
        # An `Optional`, or one with what pydantic is told about it.
        return _kind(parts[0])
    if annotation is bool:
        return "bool", "", ()
    if annotation is int or annotation is float:
        return annotation.__name__, "", ()
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "str", "", tuple(annotation)
    return "str", "", ()
