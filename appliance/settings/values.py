"""What a single value must look like: checks that the model's fields name in their types.

Each takes a value and returns it, perhaps in another form. All raise:
    ValueError: With the rest of the sentence "ZOE_NAME ...".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cronsim import CronSim, CronSimError
from pydantic import SecretStr

from appliance.settings import git_address

OFF = "off"
S3_SCHEME = "s3"


def split_list(value: object) -> object:
    """Split the text of an environment variable; a list of the configuration file stays."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def module_names(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what no `import` could name."""
    for name in value:
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"'{name}' is no module's name")
    return value


def absolute(value: Path) -> Path:
    """Refuse a path that depends on the current directory."""
    if not value.is_absolute():
        raise ValueError(f"'{value}' is a relative path")
    return value


def projects(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list with something else in it than absolute directories and git repositories."""
    for project in value:
        if git_address.is_address(project):
            git_address.parse(project)
        elif not project.startswith("/"):
            raise ValueError(f"'{project}' is neither an absolute directory nor a git repository")
    return tuple(p if git_address.is_address(p) else str(Path(p)) for p in value)


def slug(value: str) -> str:
    """Refuse what Prefect would not take as a part of an artifact's key."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError(f"'{value}' is not made of small letters, digits and single hyphens")
    return value


def http_url(value: str) -> str:
    """Refuse what is no address of a web server; a slash at its end goes."""
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port != 0
    except ValueError:
        raise ValueError("is not a well-formed URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise ValueError("is not an http or https URL with a host")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("carries a query, a fragment or credentials")
    return value.rstrip("/")


def user_name(value: str) -> str:
    """Refuse what HTTP Basic cannot send as a user."""
    if not re.fullmatch(r"[^\s:]+", value):
        raise ValueError("is empty or holds a colon or white space")
    return value


def one_line(value: SecretStr) -> SecretStr:
    """Refuse a secret that is empty or has several lines."""
    if not re.fullmatch(r"[^\r\n]+", value.get_secret_value()):
        raise ValueError("is empty or has more than one line")
    return value


def fernet_key(value: SecretStr) -> SecretStr:
    """Refuse what Fernet cannot use as a key."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}=", value.get_secret_value()):
        raise ValueError("is not a key")
    return value


def prefect_name(value: str) -> str:
    """Refuse a name that Prefect refuses."""
    if not re.fullmatch(r"[^/%&><]+", value):
        raise ValueError("is empty or holds one of / % & > <")
    return value


def unreserved_name(value: str) -> str:
    """Refuse a name that Prefect keeps for itself."""
    if value.lower().startswith("prefect"):
        raise ValueError("begins with a word that Prefect has reserved")
    return value


def cron(value: str) -> str | None:
    """Refuse what is no schedule; `off` stands for none."""
    if value.strip().lower() == OFF:
        return None
    try:
        CronSim(value, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(f"is not a cron schedule: {error}") from None
    return value


def backup_target(value: str) -> str:
    """Refuse what is neither a directory nor a bucket; a slash at its end goes."""
    parts = urlsplit(value)
    if parts.scheme == S3_SCHEME:
        if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("names no bucket, or carries more than bucket and prefix")
        return value.rstrip("/")
    return str(absolute(Path(value)))
