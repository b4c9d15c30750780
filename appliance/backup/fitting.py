"""Whether an archive can be restored here: decided before anything is changed.

Its manifest says what it holds, and the settings and the installed versions what is wanted.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from appliance.backup.manifest import Manifest
from appliance.errors import OperatorError
from appliance.settings.model import DatabaseEngine
from appliance.stamp import ordered


@dataclass(frozen=True)
class Ours:
    """What an archive has to fit.

    Attributes:
        zoe: Our version.
        prefect: The installed Prefect's version.
        engine: Where the settings want the data.
        revisions: The schemas that the installed Prefect knows, for that engine.
    """

    zoe: str
    prefect: str
    engine: DatabaseEngine
    revisions: AbstractSet[str]


def check(manifest: Manifest, name: str, ours: Ours) -> None:
    """Refuse an archive that we could not run.

    Args:
        manifest: What the archive says of itself.
        name: The archive.
        ours: What it has to fit.

    Raises:
        OperatorError: It holds another kind of database, or data that a newer version used.
    """
    _check_engine(manifest, name, ours.engine)
    if ordered(manifest.zoe) > ordered(ours.zoe):
        raise OperatorError(
            f"{name} holds data that Zoe {manifest.zoe} used, and this is Zoe {ours.zoe}",
            where="its manifest",
            remedy=f"restore it with Zoe {manifest.zoe} or newer",
        )
    if manifest.revision is not None and manifest.revision not in ours.revisions:
        raise OperatorError(
            f"{name} holds a database of Prefect {manifest.prefect} (schema {manifest.revision}), "
            f"which Prefect {ours.prefect} does not know",
            where="its manifest",
            remedy=f"restore it with a Zoe that has Prefect {manifest.prefect} or newer",
        )


def _check_engine(manifest: Manifest, name: str, engine: DatabaseEngine) -> None:
    is_sqlite = manifest.engine == DatabaseEngine.SQLITE
    if is_sqlite and engine is not DatabaseEngine.SQLITE:
        to = "postgres" if engine is DatabaseEngine.EMBEDDED_POSTGRES else "postgresql://…"
        raise OperatorError(
            f"{name} holds an SQLite database, and ZOE_DATABASE is {to}",
            where="ZOE_DATABASE",
            remedy=f"restore it with ZOE_DATABASE=sqlite, then `zoe promote --to {to}`",
        )
    if not is_sqlite and engine is DatabaseEngine.SQLITE:
        raise OperatorError(
            f"{name} holds a PostgreSQL database, and ZOE_DATABASE is sqlite",
            where="ZOE_DATABASE",
            remedy="set ZOE_DATABASE to postgres (embedded) or to a postgresql:// URL",
        )


def check_key(archived: str | None, given: str | None, name: str) -> None:
    """Refuse a key of the settings with which the archive's secrets could not be read.

    Args:
        archived: The archive's encryption key, if one is in it.
        given: The one that the settings give, if they do.
        name: The archive.

    Raises:
        OperatorError: They differ.
    """
    if archived and given and archived != given:
        raise OperatorError(
            f"the secret blocks in {name} were encrypted with another key than the one that is set",
            where="ZOE_ENCRYPTION_KEY",
            remedy="unset it, and the archive's key is restored with the data; or set it to the "
            "archive's",
        )


def notes(archived_password: str | None, given_password: str | None) -> list[str]:
    """Return what an operator should know, though nothing is wrong."""
    if archived_password and given_password and archived_password != given_password:
        return ["the password stays the one of ZOE_ADMIN_PASSWORD; the archive's is another"]
    return []
