"""Whether the worker of this machine takes runs: an operator's word, which outlives restarts."""

from __future__ import annotations

from pathlib import Path

from appliance.files import make_private_dir, write_atomically


def close(flag: Path) -> None:
    """Let the worker take no more runs, until `reopen`."""
    make_private_dir(flag.parent)
    write_atomically(flag, "", durable=True)


def reopen(flag: Path) -> None:
    """Let the worker take runs again."""
    flag.unlink(missing_ok=True)


def is_open(flag: Path) -> bool:
    """Tell whether the worker takes runs."""
    return not flag.exists()
