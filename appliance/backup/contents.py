"""What an archive holds besides the database: secrets, settings, results, Prefect's home.

Of the worker's ledger it holds the identity, by which the runs in the database are marked.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from appliance import credentials
from appliance.files import make_private_dir, write_atomically
from appliance.layout import Layout
from appliance.settings import DatabaseEngine, Settings
from appliance.settings.sources import configuration_file, is_secret
from appliance.worker.ledger import IDENTITY

# Written anew by Prefect when missing.
REBUILT = frozenset({"memo_store.toml"})


def size(layout: Layout) -> int:
    """Return about how many bytes `stage` will copy."""
    total = 0
    for root in (layout.results, layout.prefect_home):
        for path in _files(root):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
    return total


def stage(
    settings: Settings, layout: Layout, staged: Path, *, without: Collection[Path] = frozenset()
) -> None:
    """Copy all of it below a directory, to be called after the database's snapshot.

    In this order every result that the database knows of is there: results are written first.

    Args:
        settings: What is in use.
        layout: Where the data lies.
        staged: The directory.
        without: Files of secrets that are known to be missing (`credentials.missing`).

    Raises:
        OperatorError: A secret that is in use cannot be read.
        OSError: There is no space, say.
    """
    _stage_secrets(settings, layout, staged / "secrets", without)
    _stage_settings(settings, staged / "settings")
    _copy_tree(layout.results, staged / "results")
    _copy_tree(layout.prefect_home, staged / "prefect", without=REBUILT)
    _copy(layout.stamp, staged / layout.stamp.name)
    _copy(layout.ledger / IDENTITY, Layout(staged).archived_ledger)


def _stage_secrets(
    settings: Settings, layout: Layout, target: Path, without: Collection[Path]
) -> None:
    """Write the secrets in force, those that a setting gives instead of a file included."""
    make_private_dir(target)
    _copy_tree(layout.secrets_dir, target)
    in_force = credentials.read(settings, layout, without=without)
    if in_force.auth_string:
        password = in_force.auth_string.get_secret_value().partition(":")[2]
        write_atomically(target / layout.admin_password.name, password + "\n")
    if in_force.encryption_key:
        key = in_force.encryption_key.get_secret_value()
        write_atomically(target / layout.encryption_key.name, key + "\n")


def _stage_settings(settings: Settings, target: Path) -> None:
    make_private_dir(target)
    write_atomically(target / "settings.json", json.dumps(public_settings(settings), indent=1))
    path = configuration_file()
    if path:
        _copy(path, target / "zoe.toml")


def public_settings(settings: Settings) -> dict[str, Any]:
    """Return every setting in force by its name, as JSON; of secrets whether they are set."""
    shown: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown[name] = value is not None if is_secret(field) else value
    # An engine's name is no secret; the password in a URL is.
    external = settings.engine is DatabaseEngine.EXTERNAL_POSTGRES
    shown["database"] = "postgresql://…" if external else settings.engine.value
    plain: dict[str, Any] = json.loads(json.dumps(shown, default=str))
    return plain


def _copy_tree(source: Path, target: Path, without: frozenset[str] = frozenset()) -> None:
    for path in _files(source):
        if path.name not in without:
            _copy(path, target / path.relative_to(source))


def _copy(source: Path, target: Path) -> None:
    """Copy a file; one that vanishes meanwhile was not needed any more."""
    make_private_dir(target.parent)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        target.unlink(missing_ok=True)


def _files(root: Path) -> Iterator[Path]:
    """Yield the regular files below a directory; links are not followed, nor taken."""
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                yield path
